from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from harness import ExpectationError, System
from harness.eventbridge import send

SYSTEM = System(
    **{name: name for name in System.__dataclass_fields__},  # every field is a text
)


class Bus:
    def __init__(self, answer: dict[str, str]) -> None:
        self.answer = answer
        self.entries: list[Any] = []

    def put_events(self, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803 - boto3's naming
        self.entries += Entries
        return {"Entries": [self.answer]}


def test_an_event_carries_its_own_time_in_utc_with_microseconds() -> None:
    bus = Bus({"EventId": "e-1"})
    moment = datetime(2026, 11, 23, 10, 30, 0, 5, timezone(timedelta(hours=1)))

    fired = send.sent(bus, send.on_demand(SYSTEM, timestamp=moment))

    assert (fired.id, fired.timestamp) == ("e-1", moment)
    (entry,) = bus.entries
    assert json.loads(entry["Detail"]) == {"timestamp": "2026-11-23T09:30:00.000005Z"}
    assert (entry["Source"], entry["DetailType"]) == ("event_source", "event_detail_type")
    assert entry["EventBusName"] == "event_bus_name"


def test_the_time_is_now_by_default() -> None:
    before = datetime.now(UTC)

    fired = send.sent(Bus({"EventId": "e-1"}), send.on_demand(SYSTEM))

    assert before <= fired.timestamp <= datetime.now(UTC)


def test_a_refused_event_is_an_error_with_the_answer() -> None:
    refusal = {"ErrorCode": "InternalFailure", "ErrorMessage": "no"}

    with pytest.raises(ExpectationError, match="InternalFailure") as caught:
        send.sent(Bus(refusal), send.on_demand(SYSTEM))

    assert caught.value.got == refusal
