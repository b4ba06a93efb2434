"""The times at which production's alarms go on, by a model of CloudWatch with any evaluation range."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.aws.eventbridge.patterns import matches
from tests.cloudwatch import Alarm, filled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.terraform.planning import Plan

INTERVAL = 600  # seconds between two writes, in production's schedule
KEY_ARN = "arn:aws:kms:eu-north-1:111122223333:key/k"
RANGES = range(2, 12)  # AWS does not say how many points it evaluates


def planned_alarm(plan: Plan, symptom: str) -> dict[str, Any]:
    alarms = {one["alarm_name"]: one for one in plan.values("aws_cloudwatch_metric_alarm")}
    return alarms[f"s3_lambda_api_prod_{symptom}"]


def expression(planned: dict[str, Any]) -> str:
    (result,) = [query["expression"] for query in planned["metric_query"] if query["return_data"]]
    return str(result)


def in_range(points: Sequence[float | None], width: int) -> Sequence[float | None]:
    """Return the last points, as many as CloudWatch evaluates."""
    return [*[None] * width, *points][-width:]


@pytest.mark.parametrize("width", RANGES)
@pytest.mark.parametrize("silent", range(5))
def test_two_silent_intervals_and_no_fewer_raise_the_freshness_alarm(
    prod: Plan, width: int, silent: int
) -> None:
    planned = planned_alarm(prod, "freshness")
    points = in_range([*[1.0] * 20, *[None] * silent], width)

    assert expression(planned) == "FILL(written, 0)"
    assert {query["period"] for one in planned["metric_query"] for query in one["metric"]} == {INTERVAL}
    assert Alarm.of(planned).is_on(filled(points, 0)) == (silent >= 2)


def test_the_bare_metric_would_raise_it_late(prod: Plan) -> None:
    alarm = Alarm.of(planned_alarm(prod, "freshness"))

    assert alarm.is_on(filled([1, 1, 1, None, None], 0))
    assert not alarm.is_on([1, 1, 1, None, None])
    assert not alarm.is_on([1, None, None, None, None])


def test_a_system_that_has_never_written_is_not_fresh(prod: Plan) -> None:
    assert Alarm.of(planned_alarm(prod, "freshness")).is_on(filled([None] * 5, 0))


@pytest.mark.parametrize("width", RANGES[1:])  # at least as many points as the alarm has periods
def test_a_writer_that_is_always_slow_keeps_its_alarm_on(prod: Plan, width: int) -> None:
    planned = planned_alarm(prod, "create_duration")
    alarm, slow = Alarm.of(planned), planned["threshold"] + 1
    every = INTERVAL // planned["period"]
    history = [slow if place % every == 0 else None for place in range(40)]

    assert {alarm.is_on(in_range(history[:end], width)) for end in range(20, 40)} == {True}


def test_a_period_shorter_than_the_interval_would_make_it_flap(prod: Plan) -> None:
    alarm = Alarm.of(planned_alarm(prod, "create_duration"))
    slow = alarm.threshold + 1

    assert alarm.is_on([slow, None, slow, None, slow])
    assert not alarm.is_on([None, slow, None, slow, None])


@pytest.mark.parametrize(
    ("errors", "requests", "on"),
    [
        ([0, 0, 1, 0, 0], [14_000] * 5, False),
        ([0, 0, 0, 0, 1], [3, 3, 3, 3, 3], False),
        ([0, 0, 0, 280, 280], [14_000] * 5, True),
        ([None, 1, None, 1, 1], [None, 1, None, 1, 1], True),
        ([None] * 5, [None] * 5, False),
    ],
    ids=["one of millions", "one of a few", "two in a hundred", "all of a few", "no requests"],
)
def test_the_share_of_errors_counts_and_not_a_single_one(
    prod: Plan,
    errors: list[int | None],
    requests: list[int | None],
    on: bool,  # noqa: FBT001
) -> None:
    planned = planned_alarm(prod, "api_errors")
    pairs = zip(errors, requests, strict=True)
    shares = [100 * one / of if one is not None and of else None for one, of in pairs]

    assert expression(planned) == "100 * errors / requests"
    assert Alarm.of(planned).is_on(shares) == on


def test_no_alarm_is_silent_because_another_is_on(prod: Plan) -> None:
    calls = prod.document["configuration"]["root_module"]["module_calls"]
    configured = calls["system"]["module"]["module_calls"]["monitoring"]["module"]
    actions = {
        one["address"]: one["expressions"].get("alarm_actions", {}).get("references", [])
        for one in configured["resources"]
        if one["type"] in {"aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm"}
    }

    assert "aws_sns_topic.alarms" in actions["aws_cloudwatch_metric_alarm.symptom"]
    assert actions["aws_cloudwatch_composite_alarm.any"] == []


def test_production_that_tells_nobody_is_warned_of(prod: Plan) -> None:
    checks = [one for one in prod.document["checks"] if one["address"]["name"] == "recipient"]

    assert [one["status"] for one in checks] == ["fail", "fail"]  # of each region
    assert all("alarm_emails" in str(one) for one in checks)


@pytest.fixture(scope="module")
def tampering(module: Callable[..., Plan]) -> dict[str, Any]:
    """Return the pattern of the rule that watches the key."""
    variables = {
        "name": "watched",
        "kms_key_arn": KEY_ARN,
        "alarm_emails": '["on-call@example.com"]',
        "functions": '{create={name="create",timeout_seconds=15}}',
        "api": '{name="api",stage="prod"}',
        "freshness": '{namespace="n",metric="m",dimensions={service="create"},interval_seconds=600}',
    }
    (rule,) = module("monitoring", **variables).values("aws_cloudwatch_event_rule")
    pattern: dict[str, Any] = json.loads(rule["event_pattern"])
    return pattern


@pytest.mark.parametrize(
    ("call", "key", "told"),
    [
        ("ScheduleKeyDeletion", KEY_ARN, True),
        ("DisableKey", KEY_ARN, True),
        ("PutKeyPolicy", KEY_ARN, True),
        ("EnableKey", KEY_ARN, False),
        ("DisableKey", f"{KEY_ARN}0", False),
    ],
)
def test_a_call_that_endangers_the_key_is_told_of(
    tampering: dict[str, Any],
    call: str,
    key: str,
    told: bool,  # noqa: FBT001
) -> None:
    event = {
        "source": "aws.kms",
        "detail-type": "AWS API Call via CloudTrail",
        "detail": {
            "eventSource": "kms.amazonaws.com",
            "eventName": call,
            "resources": [{"accountId": "111122223333", "type": "AWS::KMS::Key", "ARN": key}],
        },
    }

    assert matches(tampering, event) == told
