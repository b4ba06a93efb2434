"""The deadlines of invocations."""

import math
import time
from collections.abc import Callable

SUSPENDED = 24 * 3600.0  # the remaining seconds that a suspended function sees
POLL = 0.5  # seconds


class Deadline:
    """A moment some seconds from now, which is postponed while it is suspended.

    Args:
        seconds: how long there is, from now or from the end of the suspension.
        is_suspended: whether it is suspended now.
    """

    def __init__(self, seconds: float, is_suspended: Callable[[], bool] = lambda: False) -> None:
        self._seconds = seconds
        self._is_suspended = is_suspended
        self._end = time.monotonic() + seconds

    def wait(self) -> float:
        """Return the seconds to wait before asking again, or 0 or less if it has passed."""
        if self._is_suspended():
            self._end = time.monotonic() + self._seconds
            return POLL
        return self._end - time.monotonic()

    def epoch_ms(self) -> int:
        """Return the deadline for the function, in milliseconds since the epoch."""
        left = SUSPENDED if self._is_suspended() else self._end - time.monotonic()
        return math.floor((time.time() + left) * 1000)
