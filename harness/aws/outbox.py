"""What this process has sent to AWS, whatever it was sent through."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.values import FiredEvent, Sent

# The last that was sent, each with when it was, in seconds since the epoch.
_SENT: deque[tuple[float, FiredEvent | Sent]] = deque(maxlen=1000)


def remember[T: (FiredEvent, Sent)](sent: T, at: float | None = None) -> T:
    """Remember and return what was sent, by default now."""
    _SENT.append((time.time() if at is None else at, sent))
    return sent


def sent_since(moment: float) -> list[FiredEvent | Sent]:
    """Return what this process has sent since `moment` (seconds since the epoch), oldest first.

    It remembers the last 1000.
    """
    return [sent for at, sent in tuple(_SENT) if at >= moment]


def sent_at(event: FiredEvent) -> float | None:
    """Return when `event` was sent, in seconds since the epoch; None if that is not remembered."""
    return next((at for at, known in tuple(_SENT) if known.id == event.id), None)
