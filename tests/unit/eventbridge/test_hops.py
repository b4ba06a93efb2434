from __future__ import annotations

import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from harness import Deployment, Endpoint, FiredEvent, Outputs
from harness.eventbridge import hops, send
from harness.eventbridge.hops import Hop, Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.terraform.commands import Terraform

BUS = "orders"
ARN = "arn:aws:events:eu-north-1:000000000000:rule/orders"
WORKER = "arn:aws:lambda:eu-north-1:000000000000:function:worker:live"
QUEUE = "arn:aws:sqs:eu-north-1:000000000000:queue"


def rule(name: str = "placed", *, state: str = "ENABLED", **others: str) -> dict[str, str]:
    waits = others or {"EventPattern": json.dumps({"source": ["shop"]})}
    return {"Name": name, "Arn": f"{ARN}/{name}", "State": state, **waits}


class NoLogGroupError(ClientError):
    """What CloudWatch Logs answers as long as a function has never run."""


@dataclass(slots=True)
class World:
    """What the fakes of EventBridge and CloudWatch Logs tell."""

    rules: list[dict[str, str]] = field(default_factory=lambda: [rule()])
    targets: dict[str, list[str]] = field(default_factory=lambda: {"placed": [WORKER]})
    log: list[dict[str, Any]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)  # the calls that answer with an error

    def ran(self, *messages: str, request: str = "r-1", after: float = 0.01) -> None:
        """Log an invocation `after` seconds from now."""
        lines = (f"START RequestId: {request} Version: 1", *messages, f"END RequestId: {request}")
        stamp = int((time.time() + after) * 1000)
        self.log += [{"logStreamName": request, "timestamp": stamp, "message": line} for line in lines]

    def client(self, _service: str) -> Any:  # noqa: ANN401 - stands in for a boto3 client
        return SimpleNamespace(
            get_paginator=lambda call: SimpleNamespace(paginate=lambda **asked: self.pages(call, asked)),
            exceptions=SimpleNamespace(ResourceNotFoundException=NoLogGroupError),
        )

    def pages(self, call: str, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if call in self.refused:
            raise ClientError({"Error": {"Code": "InternalFailure", "Message": "no luck"}}, call)
        match call:
            case "list_rules":
                assert asked == {"EventBusName": BUS}
                yield from ({"Rules": [each]} for each in self.rules)
            case "list_targets_by_rule":
                yield {"Targets": [{"Arn": arn} for arn in self.targets.get(asked["Rule"], [])]}
            case "filter_log_events" if not self.log:
                raise NoLogGroupError({"Error": {"Code": "ResourceNotFoundException"}}, call)
            case "filter_log_events":
                assert asked["logGroupName"] == "/aws/lambda/worker"
                yield {"events": [line for line in self.log if line["timestamp"] >= asked["startTime"]]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack(Deployment):
    world: World

    def client(self, service: str, _region: str = "") -> Any:  # noqa: ANN401 - stands in for a boto3 client
        return self.world.client(service)


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> deque[tuple[float, FiredEvent]]:
    memory: deque[tuple[float, FiredEvent]] = deque()
    monkeypatch.setattr(send, "_SENT", memory)
    return memory


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def event(sent: deque[tuple[float, FiredEvent]]) -> FiredEvent:
    fired = an_event()
    sent.append((time.time(), fired))
    return fired


def an_event() -> FiredEvent:
    return FiredEvent(
        id=str(uuid4()), timestamp=datetime.now(UTC), bus=BUS, source="shop", detail_type="placed", detail={}
    )


def stack(world: World, *, url: str = "http://127.0.0.1:1") -> Stack:
    endpoint = Endpoint(backend="host", url=url, region="eu-north-1")
    return Stack(endpoint=endpoint, terraform=cast("Terraform", None), outputs=Outputs({}), world=world)


def traced(world: World, event: FiredEvent, **options: float) -> dict[str, Hop]:
    return {hop.name: hop for hop in hops.trace_event(stack(world), event, **{"patience": 0.0, **options})}


def states(found: dict[str, Hop]) -> list[str]:
    return [hop.state for hop in found.values()]


def test_an_event_whose_function_returns_reaches_every_hop_in_order(world: World, event: FiredEvent) -> None:
    world.ran(f"got {event.id}", "REPORT RequestId: r-1\tDuration: 12.5 ms")

    found = traced(world, event)

    assert {name: (hop.state, hop.seen) for name, hop in found.items()} == {
        "accepted by EventBridge": ("reached", f"id {event.id}, bus {BUS}"),
        "matched a rule": ("reached", "placed"),
        "found a target": ("reached", "function:worker:live"),
        "target invoked": ("reached", "worker: request r-1"),
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

    assert states(found) == ["reached", "failed", "failed", "failed", "failed"]
    assert found["matched a rule"].seen.splitlines() == [
        "no rule matches it; bus orders has 2",
        'other: ENABLED, waits for {"source":["elsewhere"]}',
        "hourly: ENABLED, has a schedule only: rate(1 hour)",
    ]


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

    assert states(found) == ["reached", "reached", "failed", "failed", "failed"]
    assert found["found a target"].seen == "placed has no target"


def test_of_targets_that_are_no_functions_nothing_more_is_known(world: World, event: FiredEvent) -> None:
    world.targets = {"placed": [QUEUE]}

    found = traced(world, event)

    assert states(found) == ["reached", "reached", "reached", "unknown", "unknown"]
    assert found["found a target"].seen == "queue"


def test_a_function_that_never_ran_is_where_it_ends(world: World, event: FiredEvent) -> None:
    world.ran("before the event", after=-5)

    found = traced(world, event)

    assert states(found) == ["reached", "reached", "reached", "failed", "failed"]
    assert found["target invoked"].seen == "worker: its log shows no invocation since the event"


def test_on_aws_a_log_may_lag_so_that_nothing_proves_nothing(world: World, event: FiredEvent) -> None:
    trace = hops.trace_event(stack(world, url=""), event, patience=0)

    assert [hop.state for hop in trace][-2:] == ["unknown", "unknown"]


def test_an_event_sent_by_somebody_else_may_have_been_before_the_log(world: World) -> None:
    world.ran("whose?")

    assert traced(world, an_event())["target invoked"].state == "unknown"


def test_a_function_that_fails_is_told_with_exactly_its_own_lines(world: World, event: FiredEvent) -> None:
    world.ran("[ERROR] ValueError: of another event", request="r-0")
    world.ran(f"got {event.id}", "[ERROR] KeyError: 'size'\nTraceback:\n  in f", request="r-1")

    found = traced(world, event)

    assert found["target invoked"].state == "reached"
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

    assert found["target invoked"].state == "reached"
    assert "the only one since the event, whose id it does not log" in found["target invoked"].seen
    assert found["function returned"].state == "failed"


def test_an_invocation_that_logs_another_events_id_is_not_taken_for_it(
    world: World, event: FiredEvent, sent: deque[tuple[float, FiredEvent]]
) -> None:
    other = an_event()
    sent.append((time.time(), other))
    world.ran(f"got {other.id}")

    assert traced(world, event)["target invoked"].state == "failed"


def test_another_attempt_at_an_older_request_is_not_taken_for_it(world: World, event: FiredEvent) -> None:
    world.ran("[ERROR] KeyError: 1", request="r-0", after=-60)
    world.ran("[ERROR] KeyError: 1", request="r-0")

    assert traced(world, event)["target invoked"].state == "failed"


def test_two_that_may_be_its_own_leave_it_open_but_both_failures_count(
    world: World, event: FiredEvent
) -> None:
    world.ran("[ERROR] KeyError: 1", request="r-1")
    world.ran("[ERROR] KeyError: 2", request="r-2")

    found = traced(world, event)

    assert found["target invoked"].state == "unknown"
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

    assert found["target invoked"].seen == "worker: request r-1, 2 attempts"
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
        ("filter_log_events", "target invoked"),
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
    world.targets["copy"] = [WORKER, WORKER.replace("worker:live", "worker"), QUEUE]
    world.ran(event.id)

    trace = hops.trace_event(stack(world), event, patience=0)

    assert [hop.name for hop in trace].count("target invoked") == 1
    assert trace[1].seen == "placed, copy"
    assert trace[2].seen == "function:worker:live, function:worker:live, function:worker, queue"


def test_the_stop_is_the_first_hop_that_failed() -> None:
    trace = [Hop(name=state, state=state, seen="") for state in ("reached", "unknown", "failed")]

    assert hops.failed(trace) == trace[2]
    assert hops.failed(trace[:2]) is None


def test_the_text_is_aligned_and_log_lines_stand_below() -> None:
    trace = [
        Hop(name="one", state="reached", seen="fine"),
        Hop(name="the second", state="failed", seen="bad\n[ERROR] x\n  in f"),
        Hop(name="third", state="unknown", seen=""),
    ]

    assert hops.told(trace).splitlines() == [
        "  ✓ one         fine",
        "  ✗ the second  bad",
        "      | [ERROR] x",
        "      |   in f",
        "  ? third",
    ]
    event = an_event()
    headed = hops.told_all([Trace(event=event, hops=tuple(trace[:1]))])
    assert headed == f"event {event.id} (shop, 'placed'):\n  ✓ one  fine"


def test_of_many_events_the_latest_are_traced() -> None:
    fired = [an_event() for _ in range(12)]

    found = hops.traced(lambda event: (Hop(name=event.id, state="reached", seen=""),), fired)

    assert [trace.event for trace in found] == fired[:1:-1]
    assert [trace.hops[0].name for trace in found] == [event.id for event in fired[:1:-1]]


def test_an_emulator_that_hangs_holds_nobody_up() -> None:
    released = threading.Event()
    fired = [an_event(), an_event(), an_event()]

    def trace(event: FiredEvent) -> tuple[Hop, ...]:
        if event is fired[1]:
            released.wait(30)
        return (Hop(name="done", state="reached", seen=""),)

    begun = time.monotonic()
    found = hops.traced(trace, fired, budget=0.3)
    released.set()

    assert time.monotonic() - begun < 10
    assert [each.hops[0].state for each in found] == ["reached", "unknown", "unknown"]
    assert found[2].event is fired[0]


def test_what_is_sent_is_remembered_with_its_time() -> None:
    client = SimpleNamespace(put_events=lambda **_: {"Entries": [{"EventId": "e-1"}]})
    before = time.time()

    event = send.sent(client, replace(an_event(), id=""))

    assert before <= (send.sent_at(event) or 0) <= time.time()
    assert send.sent_since(before) == [event]
    assert send.sent_since(time.time() + 1) == []
    assert send.sent_at(an_event()) is None
