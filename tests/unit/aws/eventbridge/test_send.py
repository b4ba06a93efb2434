from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from harness import ExpectationError
from harness.aws.eventbridge import send
from harness.values import FiredEvent

EVENT = FiredEvent(
    id="",
    timestamp=datetime(2026, 11, 23, 10, 30, tzinfo=UTC),
    bus="orders",
    source="shop",
    detail_type="Order placed",
    detail={"order": 7},
)


class Bus:
    def __init__(self, answer: dict[str, str]) -> None:
        self.answer = answer
        self.entries: list[Any] = []

    def put_events(self, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803 - boto3's naming
        self.entries += Entries
        return {"Entries": [self.answer]}


def test_an_event_is_sent_to_its_bus_and_has_the_id_that_eventbridge_gave() -> None:
    bus = Bus({"EventId": "e-1"})

    accepted = send.put_event(bus, EVENT)

    assert accepted == replace(EVENT, id="e-1")
    (entry,) = bus.entries
    assert json.loads(entry["Detail"]) == {"order": 7}
    assert (entry["Source"], entry["DetailType"]) == ("shop", "Order placed")
    assert entry["EventBusName"] == "orders"


def test_a_refused_event_is_an_error_with_the_answer() -> None:
    refusal = {"ErrorCode": "InternalFailure", "ErrorMessage": "no"}

    with pytest.raises(ExpectationError, match="InternalFailure") as caught:
        send.put_event(Bus(refusal), EVENT)

    assert caught.value.got == refusal
