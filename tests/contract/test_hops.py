"""A trace says how far an event came, and where it stopped."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from harness import Deployment, NotReachedError, eventually
from harness.aws import outbox
from harness.report.diagnosis import artifacts
from harness.stack import hops

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.stack.hops import Hop
    from tests.system import Scenario


def states(trace: tuple[Hop, ...]) -> dict[str, str]:
    return {hop.name: hop.state for hop in trace}


def stop(trace: tuple[Hop, ...]) -> Hop:
    found = hops.failure_in(trace)
    assert found is not None, hops.format_hops(trace)
    return found


@contextmanager
def disabled(scenario: Scenario, rule: str) -> Iterator[None]:
    client, bus = scenario.client("events"), scenario.system.event_bus_name
    client.disable_rule(Name=rule, EventBusName=bus)
    try:
        yield
    finally:
        client.enable_rule(Name=rule, EventBusName=bus)


def test_an_event_that_became_an_object_reached_every_hop(scenario: Scenario) -> None:
    event = scenario.fire()
    stored = scenario.object_of(event)

    trace = scenario.trace(event)

    assert set(states(trace).values()) == {"reached"}, hops.format_hops(trace)
    seen = {hop.name: hop.seen for hop in trace}
    assert event.id in seen["accepted by EventBridge"]
    assert scenario.system.on_demand_rule_name in seen["matched a rule"]
    assert scenario.system.create_function_name in seen["function invoked"]
    assert seen["object written"] == stored.key
    assert scenario.system.kms_key_arn in seen["key used"]
    assert stored.body.decode() in seen["API answer"]


def test_an_event_that_the_writer_refuses_stops_at_the_function_with_its_error(scenario: Scenario) -> None:
    event = scenario.fire(timestamp=datetime.now(UTC) + timedelta(days=1))

    with pytest.raises(NotReachedError) as failure:
        scenario.object_of(event, timeout=8)

    trace = scenario.trace(event)
    assert states(trace)["function invoked"] == "reached", hops.format_hops(trace)
    assert stop(trace).name == "function returned"
    first, *log = stop(trace).seen.splitlines()
    assert "event rejected: its time" in first
    assert any("event rejected: its time" in line for line in log)
    assert first in "\n".join(failure.value.__notes__)


def test_an_event_of_another_source_stops_before_any_rule(scenario: Scenario) -> None:
    event = Deployment.fire(
        scenario, source="nobody", detail_type=scenario.system.event_detail_type, detail={}
    )

    trace = scenario.trace(event)

    assert states(trace)["accepted by EventBridge"] == "reached"
    assert stop(trace).name == "matched a rule"
    assert f"{scenario.system.on_demand_rule_name}: ENABLED, waits for" in stop(trace).seen
    assert f"{scenario.system.schedule_rule_name}: DISABLED, has a schedule only" in stop(trace).seen
    assert "reached" not in list(states(trace).values())[1:]


def test_a_rule_that_is_disabled_is_named(scenario: Scenario) -> None:
    with disabled(scenario, scenario.system.on_demand_rule_name):
        event = scenario.fire()
        trace = scenario.trace(event)

    assert stop(trace).name == "matched a rule"
    assert f"{scenario.system.on_demand_rule_name}: DISABLED, matches" in stop(trace).seen


def test_a_tests_logs_and_hops_are_kept(scenario: Scenario, tmp_path: Path) -> None:
    begun = time.time()
    with artifacts.recorded(tmp_path, deployment=scenario) as recording:
        stored = scenario.fire_and_wait()
        function = scenario.system.create_function_name
        eventually(
            lambda: "\n".join(scenario.logs(function)),
            until=lambda log: stored.key in log,
            what="the function's log",
        )
        scenario.plan()
        recording.keep(traces=hops.trace_all(scenario.trace, outbox.sent_since(begun)))

    kept = {file.name: file.read_text("utf-8") for file in tmp_path.iterdir()}
    assert "problems.txt" not in kept, kept["problems.txt"]
    assert stored.key in kept[f"lambda-{function}.log"]
    assert "terraform plan" in kept["terraform.log"]
    assert stored.key in kept["hops.txt"]
    assert ("emulator.log" in kept) == (scenario.endpoint.log is not None)
