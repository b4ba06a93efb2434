"""Fire events through EventBridge."""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.errors import ExpectationError

if TYPE_CHECKING:
    from harness.values import FiredEvent

# The last events of this process, each with when it was sent, in seconds since the epoch.
_SENT: deque[tuple[float, FiredEvent]] = deque(maxlen=1000)


def sent(client: Any, event: FiredEvent) -> FiredEvent:  # noqa: ANN401 - a boto3 client
    """Send `event` with PutEvents and return it with the id that EventBridge gave it.

    Raises:
        ExpectationError: EventBridge did not accept it.
    """
    entry = {
        "EventBusName": event.bus,
        "Source": event.source,
        "DetailType": event.detail_type,
        "Detail": json.dumps(event.detail),
    }
    moment = time.time()
    (answer,) = client.put_events(Entries=[entry])["Entries"]
    if "EventId" not in answer:
        raise ExpectationError(f"PutEvents on bus {event.bus!r}", expected="an event id", got=answer)
    accepted = replace(event, id=str(answer["EventId"]))
    _SENT.append((moment, accepted))
    return accepted


def sent_since(moment: float) -> list[FiredEvent]:
    """Return the events that this process has sent since `moment` (seconds since the epoch), oldest first.

    It remembers the last 1000, whatever they were sent through.
    """
    return [event for at, event in tuple(_SENT) if at >= moment]


def sent_at(event: FiredEvent) -> float | None:
    """Return when `event` was sent, in seconds since the epoch; None if that is not remembered."""
    return next((at for at, known in tuple(_SENT) if known.id == event.id), None)
