"""Functions' policies, judged as AWS does. Most emulators let every service call every function."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.system import Scenario

pytestmark = pytest.mark.anywhere

API_GATEWAY = "apigateway.amazonaws.com"
EVENTBRIDGE = "events.amazonaws.com"


def allowed(policy: dict[str, Any], *, service: str, function: str, source: str) -> bool:
    """Return whether a function's policy lets `service` invoke it on behalf of `source`.

    https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
    """
    return any(
        statement["Effect"] == "Allow"
        and statement["Action"] == "lambda:InvokeFunction"
        and statement["Principal"] == {"Service": service}
        and statement["Resource"] == function
        and _arn_like(source, statement.get("Condition", {}))
        for statement in policy["Statement"]
    )


def _arn_like(source: str, condition: dict[str, Any]) -> bool:
    """Judge `ArnLike` on the source, part by part. None of the six parts may be left open."""
    (pattern,) = [test["AWS:SourceArn"] for test in condition.values() if "AWS:SourceArn" in test]
    parts, patterns = source.split(":", 5), pattern.split(":", 5)
    return all(fnmatchcase(part, like) for part, like in zip(parts, patterns, strict=True))


def policy_of(scenario: Scenario, function: str) -> dict[str, Any]:
    name, alias = function.rsplit(":", 2)[1:]
    answer = scenario.client("lambda").get_policy(FunctionName=name, Qualifier=alias)
    policy: dict[str, Any] = json.loads(answer["Policy"])
    return policy


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_api_may_call_the_reader_for_its_own_requests(scenario: Scenario, method: str) -> None:
    system = scenario.system
    policy = policy_of(scenario, system.retrieve_function_arn)
    stage = f"{system.api_execution_arn}/{system.api_stage}"

    def may_call(source: str) -> bool:
        return allowed(policy, service=API_GATEWAY, function=system.retrieve_function_arn, source=source)

    assert may_call(f"{stage}/{method}{system.api_path}")
    assert not may_call(f"{stage}/POST{system.api_path}")
    assert not may_call(f"{stage}/{method}/elsewhere")
    assert not may_call(f"{system.api_execution_arn}/other/{method}{system.api_path}")


@pytest.mark.parametrize("rule", ["schedule_rule_name", "on_demand_rule_name"])
def test_each_rule_may_call_the_writer_and_no_other_rule_may(scenario: Scenario, rule: str) -> None:
    system = scenario.system
    policy = policy_of(scenario, system.create_function_arn)
    described = scenario.client("events").describe_rule(
        Name=getattr(system, rule), EventBusName=system.event_bus_name
    )

    def may_call(source: str) -> bool:
        return allowed(policy, service=EVENTBRIDGE, function=system.create_function_arn, source=source)

    assert may_call(described["Arn"])
    assert not may_call(described["Arn"] + "_of_somebody_else")


def test_each_target_is_the_alias_that_the_permissions_are_for(scenario: Scenario) -> None:
    system = scenario.system
    for rule in (system.schedule_rule_name, system.on_demand_rule_name):
        targets = scenario.client("events").list_targets_by_rule(Rule=rule)["Targets"]
        assert [target["Arn"] for target in targets] == [system.create_function_arn]
