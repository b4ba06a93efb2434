"""What this process has sent to AWS, whatever it was sent through."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from harness.telemetry import actions
from harness.values import FiredEvent

if TYPE_CHECKING:
    from harness.values import Sent

# The last that was sent, each with when (in seconds since the epoch) and to where that was.
_SENT: deque[tuple[float, str, FiredEvent | Sent]] = deque(maxlen=1000)
_begun = 0.0


def begin_test() -> float:
    """Note that a test begins, and return when that is, in seconds since the epoch."""
    global _begun  # noqa: PLW0603 - a process runs one test at a time
    _begun = time.time()
    return _begun


def test_begun() -> float:
    """Return when the test that runs has begun, in seconds since the epoch; 0 outside of pytest."""
    return _begun


def remember[T: (FiredEvent, Sent)](sent: T, at: float | None = None, place: str = "") -> T:
    """Remember and return what was sent.

    Args:
        sent: What was sent.
        at: When it was, in seconds since the epoch; by default now.
        place: `Endpoint.place` of where it was sent to, if that is known.
    """
    begun = time.time() if at is None else at
    _SENT.append((begun, place, sent))
    actions.tell("fire", _describe(sent), begun=begun)
    return sent


def sent_since(moment: float, place: str = "") -> list[FiredEvent | Sent]:
    """Return what this process has sent since `moment` (seconds since the epoch), oldest first.

    It remembers the last 1000. What is known to have gone to another place than `place` is left out.
    """
    since = [(where, sent) for at, where, sent in tuple(_SENT) if at >= moment]
    return [sent for where, sent in since if where == place or not (place and where)]


def sent_at(event: FiredEvent) -> float | None:
    """Return when `event` was sent, in seconds since the epoch; None if that is not remembered."""
    return next((at for at, _, known in tuple(_SENT) if known.id == event.id), None)


def _describe(sent: FiredEvent | Sent) -> str:
    """Return what was sent as a person names it."""
    if isinstance(sent, FiredEvent):
        return f"{sent.detail_type!r} of {sent.source} to the bus {sent.bus}"
    _, _, service, *_, resource = [*sent.arn.split(":", 5), "", "", ""][:6]
    return f"{sent.id} to {service} {resource}"
