"""When an invocation has to be done."""

import math
import time
from collections.abc import Callable

SUSPENDED = 24 * 3600.0  # seconds that a function is told it has left
POLL = 0.5  # seconds


class Deadline:
    """A moment some seconds from now, which is put off as long as it is suspended.

    Args:
        seconds: how long there is, from now or from the end of the suspension.
        is_suspended: whether it is suspended now.
    """

    def __init__(self, seconds: float, is_suspended: Callable[[], bool] = lambda: False) -> None:
        self._seconds = seconds
        self._is_suspended = is_suspended
        self._end = time.monotonic() + seconds

    def wait(self) -> float:
        """Return how long to wait before asking again, in seconds; 0 or less if it is over."""
        if self._is_suspended():
            self._end = time.monotonic() + self._seconds
            return POLL
        return self._end - time.monotonic()

    def epoch_ms(self) -> int:
        """Return what the function is told, in milliseconds since the epoch."""
        left = SUSPENDED if self._is_suspended() else self._end - time.monotonic()
        return math.floor((time.time() + left) * 1000)
