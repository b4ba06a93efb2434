from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from harness.stack.hops import trace_sent
from tests.unit.stack.hops.world import arn, sent

if TYPE_CHECKING:
    from tests.unit.stack.hops.world import World

MACHINE = arn("states", "stateMachine:flow")
EXECUTION = arn("states", "execution:flow:e-1")


def entered(name: str, given: object) -> dict[str, Any]:
    details = {"name": name, "input": json.dumps(given)}
    return {"type": "TaskStateEntered", "stateEnteredEventDetails": details}


def failed(kind: str, **details: str) -> dict[str, Any]:
    return {"type": kind, f"{kind[0].lower()}{kind[1:]}EventDetails": details}


def test_each_state_is_a_hop_with_its_input(world: World) -> None:
    world.execution = {"status": "SUCCEEDED", "output": '{"done": true}'}
    world.history = [entered("Weigh", {"a": 1}), entered("Pay", {"a": 2})]

    trace = trace_sent(world.stack(), sent(MACHINE, {"a": 1}, id=EXECUTION), patience=0)

    assert [(hop.name, hop.state, hop.payload) for hop in trace] == [
        ("accepted by Step Functions", "reached", '{"a": 1}'),
        ("execution started", "reached", '{"a": 1}'),
        ("state Weigh", "reached", '{"a": 1}'),
        ("state Pay", "reached", '{"a": 2}'),
        ("execution ended", "reached", '{"done": true}'),
    ]


def test_a_failed_execution_stops_at_the_state_that_failed(world: World) -> None:
    world.execution = {"status": "FAILED"}
    world.history = [
        entered("Weigh", {}),
        failed("TaskFailed", error="Busy", cause="it is caught"),
        entered("Pay", {}),
        failed("TaskFailed", error="ValueError", cause="poison"),
        failed("ExecutionFailed", error="ValueError", cause="poison"),
    ]

    found = {hop.name: hop for hop in trace_sent(world.stack(), sent(MACHINE, id=EXECUTION), patience=0)}

    assert found["state Weigh"].state == "reached"
    assert found["state Weigh"].seen == "entered; then Busy: it is caught, which was caught or tried again"
    assert (found["state Pay"].state, found["state Pay"].seen) == ("failed", "ValueError: poison")
    assert (found["execution ended"].state, found["execution ended"].seen) == (
        "unreached",
        "FAILED: Pay: ValueError: poison",
    )


def test_what_a_function_raised_is_told_without_its_json(world: World) -> None:
    cause = json.dumps({"errorMessage": "card declined", "errorType": "RuntimeError", "stackTrace": ["f"]})
    problem = {"error": "RuntimeError", "cause": cause}
    world.execution = {"status": "FAILED"}
    world.history = [
        entered("Charge", {}),
        failed("LambdaFunctionFailed", **problem),
        failed("ExecutionFailed"),
    ]

    found = {hop.name: hop for hop in trace_sent(world.stack(), sent(MACHINE, id=EXECUTION), patience=0)}

    assert found["state Charge"].seen == "RuntimeError: card declined"
    assert found["execution ended"].seen == "FAILED: Charge: RuntimeError: card declined"


def test_an_execution_that_runs_on_is_not_judged(world: World) -> None:
    world.execution = {"status": "RUNNING"}
    world.history = [entered("Wait", {})]

    trace = trace_sent(world.stack(), sent(MACHINE, id=EXECUTION), patience=0)

    assert (trace[-1].state, trace[-1].seen) == ("unknown", "RUNNING")


@pytest.mark.parametrize(("count", "state"), [(0, "unknown"), (1, "reached"), (2, "unknown")])
def test_an_execution_that_aws_started_is_the_only_one_since(world: World, count: int, state: str) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1)
    old = {"executionArn": f"{EXECUTION}0", "startDate": soon - timedelta(hours=1)}
    world.executions = [old, *({"executionArn": EXECUTION, "startDate": soon} for _ in range(count))]
    world.execution = {"status": "SUCCEEDED"}

    found = {hop.name: hop for hop in trace_sent(world.stack(), sent(MACHINE), patience=0)}

    assert found["execution started"].state == state
    assert ("execution ended" in found) == (count == 1)
