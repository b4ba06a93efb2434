"""Fire events through EventBridge."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.aws import outbox
from harness.errors import ExpectationError

if TYPE_CHECKING:
    from harness.values import FiredEvent


def put_event(client: Any, event: FiredEvent, *, place: str = "") -> FiredEvent:  # noqa: ANN401 - a boto3 client
    """Send `event` with PutEvents and return it with the id that EventBridge gave it.

    Args:
        client: A client of EventBridge.
        event: The event.
        place: The `Endpoint.place` of the client, if known.

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
    return outbox.remember(replace(event, id=str(answer["EventId"])), moment, place)
