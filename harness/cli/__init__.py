"""The command line."""

import gc

# Most objects of a command are modules and AWS's service models. They stay, so looking for garbage among them
# only takes time: a fifth of that of `harness logs`.
_RARELY = 100_000


def run() -> None:
    """Run the command line."""
    gc.set_threshold(_RARELY)  # before the imports
    from harness.cli.main import app

    gc.freeze()
    try:
        app()
    finally:
        gc.freeze()  # Python looks for garbage once more when it ends
