"""The calls that AWS makes for a schedule's targets. boto3's own clients check their parameters."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from unittest.mock import patch

import pytest
from botocore.client import BaseClient
from botocore.validate import validate_parameters

from harness import Endpoint
from harness.aws import clients, outbox
from harness.aws.eventbridge import targets
from harness.errors import TargetError
from harness.values import Resource, Sent

NOWHERE = Endpoint(backend="nowhere", url="http://127.0.0.1:9", region="us-east-1")
MOMENT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
HERE = "us-east-1:123456789012"
RULE_ARN = f"arn:aws:events:{HERE}:rule/r"
RULE = Resource(address="a.r", type="aws_cloudwatch_event_rule", values={"name": "r", "arn": RULE_ARN})
SCHEDULE = Resource(
    address="a.s",
    type="aws_scheduler_schedule",
    values={"arn": f"arn:aws:scheduler:{HERE}:schedule/default/s"},
)
FUNCTION, QUEUE, TOPIC = f"arn:aws:lambda:{HERE}:function:f", f"arn:aws:sqs:{HERE}:q", f"arn:aws:sns:{HERE}:t"
BUS, STREAM = f"arn:aws:events:{HERE}:event-bus/b", f"arn:aws:kinesis:{HERE}:stream/s"
MACHINE, LOGS = f"arn:aws:states:{HERE}:stateMachine:m", f"arn:aws:logs:{HERE}:log-group:/aws/events/g"
SDK = "arn:aws:scheduler:::aws-sdk"

type Call = tuple[str, dict[str, Any]]


class Applied:
    """A stack of these resources. Its clients are boto3's own, and reach no server."""

    def __init__(self, *resources: Resource) -> None:
        self.all, self.asked = resources, list[str]()

    def client(self, service: str, region: str = "") -> Any:  # noqa: ANN401 - a boto3 client
        assert region in {"", "us-east-1"}
        self.asked.append(service)
        return clients.client(NOWHERE, service)

    def resources(self, kind: str = "") -> list[Resource]:
        return [resource for resource in self.all if resource.type == kind]


def calls_of(stack: Applied, schedule: Resource) -> list[Call]:
    """Return the checked calls of AWS, in order. One answer suits all of them."""
    calls: list[Call] = []

    def call(client: BaseClient, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        shape = client.meta.service_model.operation_model(name).input_shape
        assert shape is not None
        validate_parameters(parameters, shape)
        calls.append((f"{client.meta.service_model.service_name}:{name}", parameters))
        return {"QueueUrl": "http://q", "Entries": [{"EventId": "e"}], "Payload": BytesIO()}

    with patch.object(BaseClient, "_make_api_call", call):
        targets.deliver(stack, schedule, MOMENT)
    return calls


def test_what_was_sent_can_be_followed_but_for_logs() -> None:
    arns = [FUNCTION, QUEUE, TOPIC, MACHINE, STREAM, LOGS]
    stack = Applied(RULE, *(target_of("r", {"arn": arn, "input": '{"a": 1}'}) for arn in arns))
    answers = {
        "Invoke": {"ResponseMetadata": {"RequestId": "r"}, "Payload": BytesIO()},
        "GetQueueUrl": {"QueueUrl": "http://q"},
        "SendMessage": {"MessageId": "m"},
        "Publish": {"MessageId": "p"},
        "StartExecution": {"executionArn": "x"},
        "PutRecord": {"SequenceNumber": "7"},
        "CreateLogStream": {},
        "PutLogEvents": {},
    }
    begun = time.time()

    with patch.object(BaseClient, "_make_api_call", lambda _, name, __: answers[name]):
        taken = targets.deliver(stack, RULE, MOMENT)

    assert [(each.id, isinstance(each, Sent) and each.arn) for each in taken] == [
        ("r", FUNCTION),
        ("m", QUEUE),
        ("p", TOPIC),
        ("x", MACHINE),
        ("7", STREAM),
    ]
    assert {isinstance(each, Sent) and each.payload for each in taken} == {'{"a": 1}'}
    assert outbox.sent_since(begun) == taken


def target_of(rule: str, target: dict[str, Any], bus: str = "default") -> Resource:
    own = {"rule": rule, "event_bus_name": bus, **target}
    return Resource(address="a.t", type="aws_cloudwatch_event_target", values=own)


def sent(schedule: Resource, *given: dict[str, Any]) -> list[Call]:
    """Return the calls for these targets of a schedule or a rule."""
    if schedule is RULE:
        return calls_of(Applied(RULE, *(target_of("r", target) for target in given)), RULE)
    return calls_of(Applied(), replace(SCHEDULE, values={**SCHEDULE.values, "target": list(given)}))


@pytest.mark.parametrize("schedule", [RULE, SCHEDULE], ids=["rule", "scheduler"])
@pytest.mark.parametrize(
    ("arn", "name", "parameters"),
    [
        (FUNCTION, "lambda:Invoke", {"FunctionName": FUNCTION, "InvocationType": "Event", "Payload": b"{}"}),
        (QUEUE, "sqs:SendMessage", {"QueueUrl": "http://q", "MessageBody": "{}"}),
        (TOPIC, "sns:Publish", {"TopicArn": TOPIC, "Message": "{}"}),
        (MACHINE, "stepfunctions:StartExecution", {"stateMachineArn": MACHINE, "input": "{}"}),
    ],
)
def test_a_target_gets_its_input(schedule: Resource, arn: str, name: str, parameters: dict[str, Any]) -> None:
    assert sent(schedule, {"arn": arn, "input": "{}"})[-1] == (name, parameters)


@pytest.mark.parametrize(
    ("schedule", "block"), [(RULE, "sqs_target"), (SCHEDULE, "sqs_parameters")], ids=["rule", "scheduler"]
)
def test_a_message_for_a_fifo_queue_has_its_group(schedule: Resource, block: str) -> None:
    (_, parameters) = sent(schedule, {"arn": QUEUE, "input": "x", block: [{"message_group_id": "g"}]})[-1]

    assert parameters == {"QueueUrl": "http://q", "MessageBody": "x", "MessageGroupId": "g"}


@pytest.mark.parametrize(
    ("schedule", "block", "key"),
    [
        (RULE, {"kinesis_target": [{"partition_key_path": "$.source"}]}, "aws.events"),
        (SCHEDULE, {"kinesis_parameters": [{"partition_key": "k"}]}, "k"),
    ],
    ids=["rule", "scheduler"],
)
def test_a_record_has_its_partition_key(schedule: Resource, block: dict[str, Any], key: str) -> None:
    assert sent(schedule, {"arn": STREAM, "input": "{}", **block}) == [
        ("kinesis:PutRecord", {"StreamName": "s", "Data": b"{}", "PartitionKey": key})
    ]


def test_all_targets_of_a_rule_get_the_same_event_by_whose_id_records_are_spread() -> None:
    (_, record), (_, message) = sent(RULE, {"arn": STREAM}, {"arn": TOPIC})

    event = json.loads(record["Data"])
    assert json.loads(message["Message"]) == event
    assert (record["PartitionKey"], event["time"]) == (event["id"], "2026-03-01T09:30:00Z")


def bus_rule(name: str, pattern: dict[str, Any], **values: str) -> Resource:
    own = {
        "name": name,
        "arn": f"{RULE_ARN}-{name}",
        "event_bus_name": "b",
        "event_pattern": json.dumps(pattern),
    }
    return Resource(address=f"a.{name}", type="aws_cloudwatch_event_rule", values={**own, **values})


def test_another_bus_gets_the_event_and_its_rules_that_match_send_it_on() -> None:
    """PutEvents refuses every source of AWS's: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html."""
    stack = Applied(
        RULE,
        target_of("r", {"arn": BUS}),
        bus_rule("ticks", {"source": ["aws.events"], "resources": [RULE_ARN]}),
        bus_rule("orders", {"source": ["shop"]}),
        bus_rule("off", {"source": ["aws.events"]}, state="DISABLED"),
        bus_rule("elsewhere", {"source": ["aws.events"]}, event_bus_name="c"),
        *(target_of(name, {"arn": TOPIC + name}, "b") for name in ("ticks", "orders", "off")),
        target_of("elsewhere", {"arn": TOPIC}, "c"),
        target_of(
            "ticks", {"arn": BUS.removesuffix("b") + "c"}, "b"
        ),  # a second hop, which AWS does not make
    )

    ((name, parameters),) = calls_of(stack, RULE)

    assert (name, parameters["TopicArn"]) == ("sns:Publish", f"{TOPIC}ticks")
    assert json.loads(parameters["Message"])["resources"] == [RULE_ARN]


def test_the_scheduler_sends_a_bus_an_event_of_its_own() -> None:
    own = {"source": "shop", "detail_type": "Tick"}

    ((_, parameters),) = sent(SCHEDULE, {"arn": BUS, "input": '{"n": 1}', "eventbridge_parameters": [own]})

    (entry,) = parameters["Entries"]
    assert entry == {"EventBusName": BUS, "Source": "shop", "DetailType": "Tick", "Detail": '{"n": 1}'}


@pytest.mark.parametrize(
    ("given", "timestamp", "message"),
    [
        ('{"timestamp": "2026-01-01T00:00:01Z", "message": "m"}', 1767225601000, "m"),
        ('{"timestamp": 1767225601002, "message": "m"}', 1767225601002, "m"),
    ],
)
def test_a_template_for_a_log_group_says_when_and_what(given: str, timestamp: int, message: str) -> None:
    (_, created), (_, put) = sent(RULE, {"arn": LOGS, "input": given})

    assert put["logEvents"] == [{"timestamp": timestamp, "message": message}]
    assert put["logGroupName"] == created["logGroupName"] == "/aws/events/g"
    assert put["logStreamName"] == created["logStreamName"]


@pytest.mark.parametrize("given", ['{"message": "m"}', '"text"', "[]"])
def test_a_log_group_gets_a_line_now_whatever_the_event_says(given: str) -> None:
    """CloudWatch Logs takes no line that is older than 14 days.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
    """
    (line,) = sent(RULE, {"arn": LOGS, "input": given})[-1][1]["logEvents"]

    assert line["message"] == given
    assert line["timestamp"] / 1000 == pytest.approx(datetime.now(UTC).timestamp(), abs=60)


def test_a_line_that_is_rejected_is_an_error() -> None:
    answer = {"rejectedLogEventsInfo": {"tooOldLogEventEndIndex": 1}}
    given = '{"timestamp": "2020-01-01T00:00:00Z", "message": "m"}'
    stack = Applied(RULE, target_of("r", {"arn": LOGS, "input": given}))

    with patch.object(BaseClient, "_make_api_call", return_value=answer):
        with pytest.raises(TargetError, match=r"not 2020-01-01T00:00:00Z \(.*tooOld"):
            targets.deliver(stack, RULE, MOMENT)


@pytest.mark.parametrize(
    ("action", "given", "call"),
    [
        ("sqs:sendMessage", {"MessageBody": "b", "QueueUrl": "u"}, "sqs:SendMessage"),
        ("sfn:startExecution", {"StateMachineArn": MACHINE, "Input": "{}"}, "stepfunctions:StartExecution"),
        ("eventbridge:putEvents", {"Entries": [{"Source": "s"}]}, "events:PutEvents"),
        (
            "dynamodb:putItem",
            {"TableName": "t", "Item": {"id": {"S": "<aws.scheduler.scheduled-time>"}}},
            "dynamodb:PutItem",
        ),
        ("rds:stopDBInstance", {"DbInstanceIdentifier": "d"}, "rds:StopDBInstance"),
        ("cloudwatchlogs:createLogGroup", {"LogGroupName": "g"}, "logs:CreateLogGroup"),
        ("ec2:stopInstances", {"InstanceIds": ["i-1"]}, "ec2:StopInstances"),
    ],
)
def test_a_universal_target_is_any_action(action: str, given: dict[str, Any], call: str) -> None:
    ((name, parameters),) = sent(SCHEDULE, {"arn": f"{SDK}:{action}", "input": json.dumps(given)})

    assert name == call
    assert "<aws" not in json.dumps(parameters)
    lowered = json.dumps(given).replace("<aws.scheduler.scheduled-time>", "2026-03-01T09:30:00Z").lower()
    assert json.dumps(parameters).lower() == lowered


@pytest.mark.parametrize(
    ("schedule", "target", "told"),
    [
        (RULE, {"arn": f"arn:aws:ecs:{HERE}:cluster/c"}, "a.r: expected a function, queue"),
        (RULE, {"arn": f"arn:aws:events:{HERE}:api-destination/d/1"}, "expected a function, queue"),
        (SCHEDULE, {"arn": LOGS}, "a.s: expected a function, queue"),
        (RULE, {"arn": f"{SDK}:sqs:sendMessage"}, "expected a function, queue"),
        (RULE, {"arn": BUS, "input": "{}"}, "without an input of its own"),
        (SCHEDULE, {"arn": BUS, "input": "{}"}, "expected eventbridge_parameters"),
        (SCHEDULE, {"arn": FUNCTION, "input": "text"}, "an input that is JSON, not 'text'"),
        (SCHEDULE, {"arn": f"{SDK}:sqs:getQueueUrl", "input": "{}"}, "does more than read"),
        (SCHEDULE, {"arn": f"{SDK}:sqs:sendMail", "input": "{}"}, "expected an action of sqs"),
        (SCHEDULE, {"arn": f"{SDK}:pigeons:send", "input": "{}"}, "expected a service of AWS"),
        (SCHEDULE, {"arn": f"{SDK}:sqs:sendMessage", "input": '{"Body": 1}'}, r'Unknown parameter.*"Body"'),
    ],
)
def test_what_can_not_be_sent_is_an_error(schedule: Resource, target: dict[str, Any], told: str) -> None:
    with pytest.raises(TargetError, match=told) as failure:
        sent(schedule, target)

    assert target["arn"] in str(failure.value)


def test_nothing_is_sent_if_one_of_the_targets_is_not_known() -> None:
    unknown = target_of("r", {"arn": f"arn:aws:ecs:{HERE}:cluster/c"})
    stack = Applied(RULE, target_of("r", {"arn": TOPIC}), unknown)

    with pytest.raises(TargetError):
        calls_of(stack, RULE)

    assert stack.asked == []
