"""The inputs of targets.

TRANSFORM: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
CONTEXT: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from harness.aws.eventbridge import inputs
from harness.errors import TargetError
from harness.values import Resource

QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"
RULE = Resource(
    address="aws_cloudwatch_event_rule.r",
    type="aws_cloudwatch_event_rule",
    values={"name": "example", "arn": "arn:aws:events:us-east-2:123456789012:rule/example"},
)
SCHEDULE = Resource(
    address="aws_scheduler_schedule.s",
    type="aws_scheduler_schedule",
    values={"arn": "arn:aws:scheduler:us-east-2:123456789012:schedule/default/s"},
)
MOMENT = datetime(2026, 3, 1, 10, 30, tzinfo=timezone(timedelta(hours=1)))
# The example of TRANSFORM.
EC2: dict[str, Any] = {
    "version": "0",
    "id": "7bf73129-1428-4cd3-a780-95db273d1602",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "123456789012",
    "time": "2015-11-11T21:29:54Z",
    "region": "us-east-1",
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"],
    "detail": {"instance-id": "i-0123456789", "state": "RUNNING"},
}
PATHS = {
    "timestamp": "$.time",
    "instance": "$.detail.instance-id",
    "state": "$.detail.state",
    "none": "$.detail.nothing",
    "detail": "$.detail",
    "resources": "$.resources",
}


def transformed(template: str) -> str:
    target = {"arn": QUEUE, "input_transformer": [{"input_paths": PATHS, "input_template": template}]}
    return inputs.of_rule(RULE, target, EC2)


def test_a_rule_makes_the_scheduled_event_of_aws() -> None:
    """The event is that of https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html."""
    event = inputs.scheduled_event(RULE, MOMENT)

    assert event.pop("id").count("-") == 4
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-03-01T09:30:00Z",
        "region": "us-east-2",
        "resources": ["arn:aws:events:us-east-2:123456789012:rule/example"],
        "detail": {},
    }
    assert json.loads(inputs.of_rule(RULE, {"arn": QUEUE, "input": "", "input_path": ""}, event)) == event


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('"instance <instance> is in <state>"', '"instance i-0123456789 is in RUNNING"'),
        (r'"instance \"<instance>\" is in <state>"', r'"instance \"i-0123456789\" is in RUNNING"'),
        (
            '{\n  "instance" : <instance>,\n  "state": <state>\n}',
            '{"instance":"i-0123456789","state":"RUNNING"}',
        ),
        (
            r'{"instance": <instance>, "state": "<state>", "status": "instance \"<instance>\" is <state>"}',
            r'{"instance":"i-0123456789","state":"RUNNING","status":"instance \"i-0123456789\" is RUNNING"}',
        ),
        (
            '{"instance" : <instance>, "state": [ 9, <state>, true ], "Transformed" : "Yes"}',
            '{"instance":"i-0123456789","state":[9,"RUNNING",true],"Transformed":"Yes"}',
        ),
        (
            '{"arn": <aws.events.rule-arn>, "name": <aws.events.rule-name>}',
            '{"arn":"arn:aws:events:us-east-2:123456789012:rule/example","name":"example"}',
        ),
        ('"<aws.events.rule-name> triggered"', '"example triggered"'),
        ('{"at": <aws.events.event.ingestion-time>}', '{"at":"2015-11-11T21:29:54Z"}'),
    ],
)
def test_the_templates_of_aws_become_what_aws_says(template: str, expected: str) -> None:
    """The table of TRANSFORM."""
    assert transformed(template) == expected


def test_the_whole_event_is_a_variable_with_or_without_its_detail() -> None:
    """TRANSFORM: `aws.events.event` is without the detail, `aws.events.event.json` with it."""
    both = json.loads(transformed('{"some": <aws.events.event>, "all": <aws.events.event.json>}'))

    assert both["all"] == EC2
    assert both["some"] == {name: value for name, value in EC2.items() if name != "detail"}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"it": <none>, "is": "<none>."}', '{"it":"","is":"."}'),
        ('"it is <none>."', '"it is ."'),
        ('{"it": <detail>}', '{"it":{"instance-id":"i-0123456789","state":"RUNNING"}}'),
        ('[<resources>, "<state>"]', f'[["{EC2["resources"][0]}"],"RUNNING"]'),
        ('"of <resources>"', f'"of [{EC2["resources"][0]}]"'),
        ('{"html": "<b>"}', '{"html":"<b>"}'),  # no variable has the name
    ],
)
def test_variables_that_are_no_text(template: str, expected: str) -> None:
    assert transformed(template) == expected


def test_a_template_that_becomes_no_json_is_an_error() -> None:
    with pytest.raises(
        TargetError, match=r"event_rule.r: expected an input_template that becomes JSON, not "
    ):
        transformed('{"detail": "<detail>"}')


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", EC2),
        ("$.detail-type", EC2["detail-type"]),
        ("$.detail.state", "RUNNING"),
        ("$.resources", EC2["resources"]),
        ("$.resources[0]", EC2["resources"][0]),
        ("$.resources[*]", EC2["resources"]),
        ("$.resources[1]", None),
        ("$.detail[0]", None),
        ("$.detail.state.more", None),
        ("$.detail[*]", None),
        ("detail", None),
        ("$..detail", None),
    ],
)
def test_a_path_selects_a_part(path: str, expected: object) -> None:
    assert inputs.select(path, EC2) == expected


def test_a_path_goes_into_each_item_of_a_list() -> None:
    assert inputs.select("$.a[*].b", {"a": [{"b": 1}, {"b": 2}]}) == [1, 2]


def test_a_rules_input_and_its_part_of_the_event() -> None:
    assert inputs.of_rule(RULE, {"arn": QUEUE, "input": '{"my": 1}'}, EC2) == '{"my": 1}'
    assert inputs.of_rule(RULE, {"arn": QUEUE, "input_path": "$.detail.state"}, EC2) == '"RUNNING"'
    with pytest.raises(TargetError, match=r"an input_path that the event has, not \$\.detail\.none"):
        inputs.of_rule(RULE, {"arn": QUEUE, "input_path": "$.detail.none"}, EC2)


def test_the_scheduler_fills_its_context_into_the_input() -> None:
    """CONTEXT has the four names, and the form of a time."""
    names = ("schedule-arn", "scheduled-time", "attempt-number", "execution-id")
    text = " ".join(f"<aws.scheduler.{name}>" for name in names)

    event = inputs.scheduled_event(SCHEDULE, MOMENT)
    arn, time, attempt, execution = inputs.of_schedule(SCHEDULE, {"input": text}, event).split(" ")

    assert (arn, time, attempt) == (SCHEDULE.values["arn"], "2026-03-01T09:30:00Z", "1")
    assert len(execution) == 16


def test_the_scheduler_sends_an_event_if_it_has_no_input() -> None:
    """Its detail is a text, unlike that of a rule's event."""
    event = json.loads(
        inputs.of_schedule(SCHEDULE, {"input": None}, inputs.scheduled_event(SCHEDULE, datetime.now(UTC)))
    )

    assert (event["source"], event["detail-type"], event["detail"]) == (
        "aws.scheduler",
        "Scheduled Event",
        "{}",
    )
    assert event["resources"] == [SCHEDULE.values["arn"]]
