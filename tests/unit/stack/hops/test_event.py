"""The hops of an event, and those of the function that receives it."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from harness.aws import outbox
from harness.stack.hops import trace_sent
from harness.values import FiredEvent
from tests.unit.stack.hops.world import BUS, QUEUE, WORKER, arn, rule

if TYPE_CHECKING:
    from collections import deque

    from harness.stack.hops import Hop
    from harness.values import Sent
    from tests.unit.stack.hops.world import World

TASK = arn("ecs", "cluster/c")


@pytest.fixture
def event() -> FiredEvent:
    return outbox.remember(an_event())


def an_event() -> FiredEvent:
    return FiredEvent(
        id=str(uuid4()), timestamp=datetime.now(UTC), bus=BUS, source="shop", detail_type="placed", detail={}
    )


def traced(world: World, event: FiredEvent, **options: float) -> dict[str, Hop]:
    return {hop.name: hop for hop in trace_sent(world.stack(), event, **{"patience": 0.0, **options})}


def states(found: dict[str, Hop]) -> list[str]:
    return [hop.state for hop in found.values()]


def test_a_trace_makes_one_client_of_each_service(
    world: World, event: FiredEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def client(_stack: object, service: str, _region: str) -> object:
        made.append(service)
        return world.client()

    stack = world.stack()
    monkeypatch.setattr(type(stack), "client", client)

    trace_sent(stack, event, patience=0.5)  # it looks several times for the log of the function

    assert sorted(made) == ["events", "lambda", "logs"]


def test_an_event_whose_function_returns_reaches_every_hop_in_order(world: World, event: FiredEvent) -> None:
    world.ran(f"got {event.id}", "REPORT RequestId: r-1\tDuration: 12.5 ms")

    found = traced(world, event)

    assert {name: (hop.state, hop.seen) for name, hop in found.items()} == {
        "accepted by EventBridge": ("reached", f"id {event.id}, bus {BUS}"),
        "matched a rule": ("reached", "placed"),
        "found a target": ("reached", "function:worker:live"),
        "function invoked": ("reached", "worker: request r-1"),
        "function returned": ("reached", "after 12.5 ms"),
    }


def test_an_event_without_an_id_was_never_accepted(world: World) -> None:
    assert traced(world, replace(an_event(), id=""))["accepted by EventBridge"].state == "failed"


def test_rules_that_do_not_match_are_told_with_what_they_wait_for(world: World, event: FiredEvent) -> None:
    world.rules = [
        rule("other", EventPattern='{"source":["elsewhere"]}'),
        rule("hourly", ScheduleExpression="rate(1 hour)"),
    ]

    found = traced(world, event)

    assert states(found) == ["reached", "failed", "unreached", "unreached", "unreached"]
    assert found["matched a rule"].seen.splitlines() == [
        "no rule matches it; bus orders has 2",
        'other: ENABLED, waits for {"source":["elsewhere"]}',
        "hourly: ENABLED, has a schedule only: rate(1 hour)",
    ]


def test_a_rule_on_another_bus_that_matches_is_told(world: World, event: FiredEvent) -> None:
    world.rules = []
    world.elsewhere = [rule("other", EventPattern='{"source":["elsewhere"]}'), rule("placed")]

    assert traced(world, event)["matched a rule"].seen == (
        "no rule matches it; bus orders has 0; the rule placed on the bus default matches it: "
        "send it with bus='default'"
    )


def test_a_disabled_rule_that_matches_comes_first(world: World, event: FiredEvent) -> None:
    world.rules = [
        *(rule(f"other{number}", EventPattern='{"source":["x"]}') for number in range(30)),
        rule(state="DISABLED"),
    ]

    seen = traced(world, event)["matched a rule"].seen.splitlines()

    assert seen[:2] == [
        "every rule that matches it is disabled; bus orders has 31",
        "placed: DISABLED, matches",
    ]
    assert seen[-1] == "and 21 more"


def test_a_rule_with_a_schedule_too_is_named_as_such(world: World, event: FiredEvent) -> None:
    world.rules = [rule(EventPattern='{"source":["shop"]}', ScheduleExpression="rate(1 hour)")]

    assert "placed (which has a schedule too: rate(1 hour))" in traced(world, event)["matched a rule"].seen


def test_a_pattern_that_nobody_understands_hides_no_other(world: World, event: FiredEvent) -> None:
    world.rules = [rule("odd", EventPattern='{"source":[{"no-such-operator":1}]}'), rule()]

    assert traced(world, event)["matched a rule"].seen == "placed"


def test_a_pattern_sees_the_whole_envelope(world: World, event: FiredEvent) -> None:
    pattern = {
        "account": ["000000000000"],
        "region": ["eu-north-1"],
        "id": [event.id],
        "detail-type": ["placed"],
    }
    world.rules = [rule(EventPattern=json.dumps(pattern))]

    assert traced(world, event)["matched a rule"].state == "reached"


def test_a_rule_without_a_target_is_where_it_ends(world: World, event: FiredEvent) -> None:
    world.targets = {}

    found = traced(world, event)

    assert states(found) == ["reached", "reached", "failed", "unreached", "unreached"]
    assert found["found a target"].seen == "placed has no target"


def test_of_targets_that_are_no_functions_nothing_more_is_known(world: World, event: FiredEvent) -> None:
    world.targets = {"placed": [TASK]}

    found = traced(world, event)

    assert states(found) == ["reached", "reached", "reached", "unknown"]
    assert found["found a target"].seen == "cluster/c"
    assert found["followed onward"].seen == f"the harness does not follow into {TASK}"


def test_a_function_that_never_ran_is_where_it_ends(world: World, event: FiredEvent) -> None:
    world.ran("before the event", after=-5)

    found = traced(world, event)

    assert states(found) == ["reached", "reached", "reached", "failed", "unreached"]
    assert found["function invoked"].seen == "worker: its log shows no invocation since it was sent"


def test_on_aws_a_log_may_lag_so_that_nothing_proves_nothing(world: World, event: FiredEvent) -> None:
    trace = trace_sent(world.stack(url=""), event, patience=0)

    assert [hop.state for hop in trace][-2:] == ["unknown", "unknown"]


def test_an_event_sent_by_somebody_else_may_have_been_before_the_log(world: World) -> None:
    world.ran("whose?")

    assert traced(world, an_event())["function invoked"].state == "unknown"


def test_a_function_that_fails_is_told_with_exactly_its_own_lines(world: World, event: FiredEvent) -> None:
    world.ran("[ERROR] ValueError: of another event", request="r-0")
    world.ran(f"got {event.id}", "[ERROR] KeyError: 'size'\nTraceback:\n  in f", request="r-1")

    found = traced(world, event)

    assert found["function invoked"].state == "reached"
    assert found["function returned"].state == "failed"
    assert found["function returned"].seen.splitlines() == [
        "request r-1: KeyError: 'size'",
        "[ERROR] KeyError: 'size'",
        "Traceback:",
        "  in f",
    ]


def test_a_failure_that_does_not_log_the_events_id_is_still_found(world: World, event: FiredEvent) -> None:
    world.ran("[ERROR] KeyError: 'size'")

    found = traced(world, event)

    assert found["function invoked"].state == "reached"
    assert "the only one since it was sent, whose id it does not log" in found["function invoked"].seen
    assert found["function returned"].state == "failed"


def test_an_invocation_that_logs_another_events_id_is_not_taken_for_it(
    world: World, event: FiredEvent, memory: deque[tuple[float, str, FiredEvent | Sent]]
) -> None:
    other = an_event()
    memory.append((time.time(), "", other))
    world.ran(f"got {other.id}")

    assert traced(world, event)["function invoked"].state == "failed"


def test_another_attempt_at_an_older_request_is_not_taken_for_it(world: World, event: FiredEvent) -> None:
    world.ran("[ERROR] KeyError: 1", request="r-0", after=-60)
    world.ran("[ERROR] KeyError: 1", request="r-0")

    assert traced(world, event)["function invoked"].state == "failed"


def test_two_that_may_be_its_own_leave_it_open_but_both_failures_count(
    world: World, event: FiredEvent
) -> None:
    world.ran("[ERROR] KeyError: 1", request="r-1")
    world.ran("[ERROR] KeyError: 2", request="r-2")

    found = traced(world, event)

    assert found["function invoked"].state == "unknown"
    assert found["function returned"].state == "failed"
    assert "KeyError: 1" in found["function returned"].seen
    assert "KeyError: 2" in found["function returned"].seen


def test_if_only_one_of_two_that_may_be_its_own_failed_nobody_knows(world: World, event: FiredEvent) -> None:
    world.ran("[ERROR] KeyError: 1", request="r-1")
    world.ran("fine", request="r-2")

    hop = traced(world, event)["function returned"]

    assert (hop.state, hop.seen.splitlines()[0]) == ("unknown", "request r-1: KeyError: 1")


def test_only_the_last_attempt_of_a_request_counts(world: World, event: FiredEvent) -> None:
    world.ran(f"got {event.id}", "[ERROR] BusyError: S3", after=0.01)
    world.ran(f"got {event.id}", after=60)

    found = traced(world, event)

    assert found["function invoked"].seen == "worker: request r-1, 2 attempts"
    assert found["function returned"].state == "reached"


def test_errors_that_a_function_logs_are_shown_though_it_returns(world: World, event: FiredEvent) -> None:
    world.ran(f'{{"level":"ERROR","event":"{event.id}"}}')

    hop = traced(world, event)["function returned"]

    assert hop.state == "reached"
    assert hop.seen.splitlines() == [
        "after ? ms; it logged errors:",
        f'{{"level":"ERROR","event":"{event.id}"}}',
    ]


def test_a_long_traceback_is_shown_by_its_ends(world: World, event: FiredEvent) -> None:
    world.ran("\n".join([f"[ERROR] E: {event.id}", *map(str, range(100))]))

    lines = traced(world, event)["function returned"].seen.splitlines()

    assert len(lines) == 31
    assert lines[1:4] == [f"[ERROR] E: {event.id}", "…", "72"]
    assert lines[-1] == "99"


def test_it_waits_for_the_end_of_an_invocation(world: World, event: FiredEvent) -> None:
    world.ran(f"got {event.id}")
    end = world.log.pop()
    timer = threading.Timer(0.3, world.log.append, [end])
    timer.start()

    waited = traced(world, event, patience=10)
    timer.join()

    assert waited["function returned"].state == "reached"


def test_an_invocation_without_an_end_is_not_judged(world: World, event: FiredEvent) -> None:
    world.ran(f"got {event.id}")
    world.log.pop()

    hop = traced(world, event)["function returned"]

    assert (hop.state, hop.seen) == ("unknown", "no end of request r-1 is logged yet")


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("list_rules", "matched a rule"),
        ("list_targets_by_rule", "found a target"),
        ("filter_log_events", "function invoked"),
    ],
)
def test_a_hop_that_aws_refuses_to_show_is_unknown_and_so_are_those_after_it(
    world: World, event: FiredEvent, call: str, name: str
) -> None:
    world.refused = {call}

    found = traced(world, event)

    assert "no luck" in found[name].seen
    place = list(found).index(name)
    assert states(found) == ["reached"] * place + ["unknown"] * (5 - place)


def test_each_of_several_functions_is_followed(world: World, event: FiredEvent) -> None:
    world.rules.append(rule("copy"))
    world.targets["copy"] = [WORKER, WORKER, QUEUE]
    world.ran(event.id)

    trace = trace_sent(world.stack(), event, patience=0)

    assert [hop.name for hop in trace].count("function invoked") == 1
    assert trace[1].seen == "placed, copy"
    assert trace[2].seen == "function:worker:live, function:worker, function:worker, jobs"
    assert trace[-1].name == "in the queue"


@pytest.mark.parametrize(
    ("settings", "payload"),
    [
        ({"Input": '{"mine": 1}'}, '{"mine": 1}'),
        ({"InputPath": "$.detail.order"}, '{"id": 7}'),
        ({"InputPath": "$.detail.order.id.none"}, "null"),
        ({"InputTransformer": {"InputTemplate": '{"id": <id>}'}}, '{"id": <id>}'),
    ],
)
def test_a_target_is_handed_its_own_input(
    world: World, event: FiredEvent, settings: dict[str, Any], payload: str
) -> None:
    world.target_settings = settings
    ordered = replace(event, detail={"order": {"id": 7}})
    world.ran(event.id)

    assert traced(world, ordered)["function invoked"].payload == payload


def test_the_envelope_is_the_payload_at_the_rules(world: World, event: FiredEvent) -> None:
    envelope = json.loads(traced(world, event)["matched a rule"].payload)

    assert (envelope["id"], envelope["source"], envelope["detail"]) == (event.id, "shop", {})
