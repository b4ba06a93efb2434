"""Event patterns, as the backend judges them, and events that are derived for the on-demand rule."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.aws import clients
from harness.aws.eventbridge import send
from harness.aws.eventbridge.patterns import matching, near_misses, to_fired_event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness import Endpoint
    from tests.system import Scenario

pytestmark = pytest.mark.anywhere

MANDATORY = {"id", "account", "source", "time", "region", "detail-type"}  # TestEventPattern wants them all
PATTERNS: list[dict[str, Any]] = [
    {"source": ["shop"], "detail-type": ["order placed", "order paid"]},
    {"source": [{"prefix": "shop."}], "detail": {"file": [{"suffix": ".png"}]}},
    {"detail": {"state": [{"equals-ignore-case": "PAID"}], "size": [{"numeric": [">", 0, "<=", 5]}]}},
    {"detail": {"state": [{"anything-but": ["new", "old"]}], "by": [{"anything-but": {"prefix": "test"}}]}},
    {"detail": {"address": [{"cidr": "10.0.0.0/24"}], "path": [{"wildcard": "a/*.png"}]}},
    {"detail": {"by": [{"exists": True}], "error": [{"exists": False}], "shop": {"open": [None, "yes"]}}},
    {"source": ["shop"], "$or": [{"detail": {"size": [1]}}, {"detail": {"state": [{"prefix": "x"}]}}]},
]


def judged(endpoint: Endpoint, pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    answer = clients.client(endpoint, "events").test_event_pattern(
        EventPattern=json.dumps(pattern), Event=json.dumps(event)
    )
    return bool(answer["Result"])


@pytest.mark.parametrize("pattern", PATTERNS, ids=json.dumps)
def test_the_backend_agrees_about_the_matching_event_and_the_near_misses(
    endpoint: Endpoint, pattern: dict[str, Any]
) -> None:
    complete = [miss for miss in near_misses(pattern) if miss.event.keys() >= MANDATORY]

    assert judged(endpoint, pattern, matching(pattern))
    assert [miss.change for miss in complete if judged(endpoint, pattern, miss.event)] == []
    assert complete


def test_of_the_events_made_for_the_on_demand_rule_the_matching_ones_alone_write_objects(
    scenario: Scenario,
) -> None:
    client, system = scenario.client("events"), scenario.system
    rule = client.describe_rule(Name=system.on_demand_rule_name, EventBusName=system.event_bus_name)
    pattern = json.loads(rule["EventPattern"])
    misses = [miss for miss in near_misses(pattern) if miss.can_be_sent]

    for miss in misses:
        send.put_event(client, to_fired_event(miss.event, system.event_bus_name))
    # What a near miss had set off would be there by the time that two events after it have become objects.
    written = [
        scenario.object_of(
            send.put_event(client, to_fired_event(matching(pattern), system.event_bus_name))
        ).key
        for _ in range(2)
    ]

    assert {miss.path for miss in misses} == {"source", "detail-type"}
    assert scenario.keys() == sorted(written)
