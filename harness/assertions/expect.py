"""Expect a value, at once or once the world has settled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness.errors import ExpectationError
from harness.telemetry import actions

if TYPE_CHECKING:
    from collections.abc import Callable

_INTERVAL = 0.5  # seconds between two tries


def expect(subject: str, expected: object, got: object) -> None:
    """Check that what came is what was expected.

    Raises:
        ExpectationError: It is not.
    """
    actions.tell("assert", subject, begun=time.time(), ok=expected == got)
    if expected != got:
        raise ExpectationError(subject, expected=expected, got=got)


def retry_until_passes[T](check: Callable[[], T], *, timeout: float) -> T:
    """Return what `check` returns once it passes.

    Args:
        check: Looks at the world. After an `ExpectationError` it is tried again; another error is the end.
        timeout: Seconds until giving up.

    Raises:
        ExpectationError: The time is up; it is the one of the last try.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            return check()
        except ExpectationError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(_INTERVAL)
