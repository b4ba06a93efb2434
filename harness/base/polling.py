"""Wait on a named condition with a deadline."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from harness.base.telemetry import actions
from harness.errors import NotReachedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LIMITS = {"hold": True}


class Clock(Protocol):
    """The clock of `eventually`. The module `time` is one."""

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Let `seconds` pass."""
        ...


@contextmanager
def without_limits() -> Iterator[None]:
    """Suspend the time limits of all waits while the context is open, for somebody in a debugger."""
    _LIMITS["hold"] = False
    try:
        yield
    finally:
        _LIMITS["hold"] = True


def limit(seconds: float) -> float | None:
    """Return a time limit: `seconds`, or None if limits are suspended."""
    return seconds if _LIMITS["hold"] else None


def eventually[T](
    probe: Callable[[], T],
    *,
    until: Callable[[T], object] = bool,
    unless: Callable[[], str] = str,
    what: str,
    timeout: float = 30.0,
    interval: float = 0.1,
    clock: Clock = time,
) -> T:
    """Call `probe` until `until` accepts its result, and return the result.

    The probe runs at least once, and once more when the deadline has passed between two tries.

    Args:
        probe: Observes the system. An error that it raises ends the wait.
        until: Returns whether the result is the expected one. By default, whether it is true.
        unless: Returns the reason why the condition can no longer come true, which ends the wait, or an empty
            text. Example: `Deployment.lost`.
        what: The condition in words, for the error message.
        timeout: Seconds until giving up.
        interval: Seconds between two looks.
        clock: The time to live by.

    Raises:
        NotReachedError: The time is up, or `unless` has ended the wait. The error carries the last result.
    """
    begun = clock.monotonic()
    deadline = begun + (math.inf if limit(timeout) is None else timeout)
    with actions.reported("wait", what):
        while True:
            last_try = clock.monotonic() >= deadline
            seen = probe()
            if until(seen):
                return seen
            if last_try:
                raise NotReachedError(what, timeout=timeout, last=seen)
            if reason := unless():
                raise NotReachedError(what, timeout=clock.monotonic() - begun, last=seen, reason=reason)
            clock.sleep(min(interval, max(0.0, deadline - clock.monotonic())))
