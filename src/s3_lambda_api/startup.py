"""Import this first: it stops the garbage collector while the other modules load.

What loading makes is there to stay, so collecting it in between finds nothing and costs time that a cold
start waits for.
"""

import gc

__all__ = ["finished"]

gc.disable()


def finished() -> None:
    """Start the garbage collector again, and let it pass over all that has been loaded."""
    gc.freeze()
    gc.enable()
