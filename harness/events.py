"""Fire events through EventBridge."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from harness.errors import ExpectationError
from harness.types import FiredEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.types import System


def put_event(client: Any, *, bus: str, source: str, detail_type: str, detail: Mapping[str, object]) -> str:  # noqa: ANN401 - a boto3 client
    """Send one event with PutEvents and return the id that EventBridge gave it.

    Raises:
        ExpectationError: EventBridge did not accept it.
    """
    entry = {"EventBusName": bus, "Source": source, "DetailType": detail_type, "Detail": json.dumps(detail)}
    (answer,) = client.put_events(Entries=[entry])["Entries"]
    if "EventId" not in answer:
        raise ExpectationError(f"PutEvents on bus {bus!r}", expected="an event id", got=answer)
    return str(answer["EventId"])


def fire(client: Any, system: System, *, timestamp: datetime | None = None) -> FiredEvent:  # noqa: ANN401 - a boto3 client
    """Fire the on-demand rule of `system`.

    Args:
        client: A boto3 client of EventBridge.
        system: Names the bus and what the rule's pattern matches.
        timestamp: The event's own time; now by default. EventBridge's has whole seconds only.

    Raises:
        ExpectationError: EventBridge did not accept the event.
    """
    moment = (timestamp or datetime.now(UTC)).astimezone(UTC)
    event_id = put_event(
        client,
        bus=system.event_bus_name,
        source=system.event_source,
        detail_type=system.event_detail_type,
        detail={"timestamp": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")},
    )
    return FiredEvent(id=event_id, timestamp=moment)
