"""Everything that this process has sent to AWS, through any client."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.base.telemetry import actions
from harness.values import FiredEvent

if TYPE_CHECKING:
    from harness.values import Sent

# The latest, each with its time (in seconds since the epoch) and its destination.
_SENT: deque[tuple[float, str, FiredEvent | Sent]] = deque(maxlen=1000)
_begun = 0.0
_answered: Answered | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How a function answered an invocation of this process.

    Attributes:
        function: The function's name.
        request_id: The id of the request.
        error: The error in one line. Empty if it succeeded.
    """

    function: str
    request_id: str
    error: str


def begin_test() -> float:
    """Record that a test begins, and return the time in seconds since the epoch."""
    global _begun, _answered
    _begun, _answered = time.time(), None
    return _begun


def test_begun() -> float:
    """Return the time at which the running test began, in seconds since the epoch, or 0 outside pytest."""
    return _begun


def remember[T: (FiredEvent, Sent)](sent: T, at: float | None = None, place: str = "") -> T:
    """Remember and return something that was sent.

    Args:
        sent: The event or message.
        at: The time, in seconds since the epoch. Now by default.
        place: The `Endpoint.place` of its destination, if known.
    """
    begun = time.time() if at is None else at
    _SENT.append((begun, place, sent))
    actions.report("fire", _describe(sent), begun=begun)
    return sent


def remember_answer(answered: Answered) -> None:
    """Remember how a function answered, in the place of the answer before."""
    global _answered  # noqa: PLW0603 - a process runs one test at a time
    _answered = answered


def last_answer() -> Answered | None:
    """Return the latest answer of a function since the test began, if there was one."""
    return _answered


def sent_since(moment: float, place: str = "") -> list[FiredEvent | Sent]:
    """Return everything that this process has sent since `moment` (seconds since the epoch), oldest first.

    It remembers the last 1000. Those that are known to have gone to another place than `place` are left out.
    """
    since = [(where, sent) for at, where, sent in tuple(_SENT) if at >= moment]
    return [sent for where, sent in since if where == place or not (place and where)]


def sent_at(event: FiredEvent) -> float | None:
    """Return the time at which `event` was sent, in seconds since the epoch, or None if it is forgotten."""
    return next((at for at, _, known in tuple(_SENT) if known.id == event.id), None)


def _describe(sent: FiredEvent | Sent) -> str:
    """Describe an event or message for a person."""
    if isinstance(sent, FiredEvent):
        return f"{sent.detail_type!r} of {sent.source} to the bus {sent.bus}"
    _, _, service, *_, resource = [*sent.arn.split(":", 5), "", "", ""][:6]
    return f"{sent.id} to {service} {resource}"
