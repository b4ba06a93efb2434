"""Expect a value, at once or once the world has settled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness.base.telemetry import actions
from harness.errors import ExpectationError

if TYPE_CHECKING:
    from collections.abc import Callable

_INTERVAL = 0.5  # seconds between two tries


def expect(subject: str, expected: object, got: object) -> None:
    """Check that the result is the expected one.

    Raises:
        ExpectationError: It is not.
    """
    actions.report("assert", subject, begun=time.time(), ok=expected == got)
    if expected != got:
        raise ExpectationError(subject, expected=expected, got=got)


def retry_until_passes[T](check: Callable[[], T], *, timeout: float) -> T:
    """Call `check` until it passes, and return its result.

    Args:
        check: Observes the system. It is called again after an `ExpectationError`. Any other error ends the
            loop.
        timeout: Seconds until giving up.

    Raises:
        ExpectationError: The time is up. This is the error of the last call.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            return check()
        except ExpectationError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(_INTERVAL)
