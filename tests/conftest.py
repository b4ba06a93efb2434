from __future__ import annotations

import signal

from tests.system.fixtures import scenario

__all__ = ["scenario"]

# A shell that runs the tests in the background ignores SIGINT, and so would every process they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
