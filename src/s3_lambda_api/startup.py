"""Import this first: it stops the garbage collector while the other modules load.

The loaded modules stay for good. Collecting garbage meanwhile finds nothing and prolongs the cold start.
"""

import gc

__all__ = ["finish"]

gc.disable()


def finish() -> None:
    """Start the garbage collector again, and exempt everything that has been loaded."""
    gc.freeze()
    gc.enable()
