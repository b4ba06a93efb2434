"""The targets of rules and of EventBridge Scheduler: the call that AWS makes for each.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets.html
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from botocore.exceptions import ParamValidationError, UnknownServiceError

from harness.aws import outbox
from harness.aws.eventbridge import inputs, patterns, send
from harness.errors import TargetError
from harness.values import Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.aws.eventbridge.inputs import Event
    from harness.values import FiredEvent, Resource

type Clients = Callable[[str, str], Any]  # a service and a region in, a boto3 client out

_UNIVERSAL = re.compile(r"arn:[\w-]+:scheduler:::aws-sdk:(\w+):(\w+)")
_INPUTS = ("input", "input_path", "input_transformer")
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html#unsupported-api-actions
_READ_ONLY = """
get describe list poll receive search scan query select read lookup discover validate batchGet batchDescribe
batchRead transactGet adminGet adminList testMigration retrieve testConnection translateDocument isAuthorized
invokeModel
"""
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Target.html
_TAKES_JSON = frozenset({"lambda", "states", "events"})
# Universal targets use the service names of AWS's SDK for Java. These differ in boto3.
_NAMES_OF_BOTO3 = {
    "applicationautoscaling": "application-autoscaling",
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "elasticloadbalancingv2": "elbv2",
    "eventbridge": "events",
    "sfn": "stepfunctions",
}


class Stack(Protocol):
    """The part of an applied stack that is needed to send to its targets."""

    def client(self, service: str, region: str = "") -> Any:  # noqa: ANN401 - a boto3 client
        """Return a boto3 client of a service."""

    def resources(self, kind: str = "") -> list[Resource]:
        """Return the resources that Terraform manages: all of them, or one type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The input for one target.

    Attributes:
        schedule: The rule, or the schedule of EventBridge Scheduler.
        target: The target, as Terraform's state has it.
        event: The scheduled event.
        text: The text to send.
        at: When that begins, in seconds since the epoch.
    """

    schedule: Resource
    target: Mapping[str, Any]
    event: Event
    text: str
    at: float = field(default_factory=time.time)

    @property
    def arn(self) -> str:
        """The target's ARN."""
        return str(self.target["arn"])

    @property
    def is_of_scheduler(self) -> bool:
        """Whether EventBridge Scheduler sends it, and no rule."""
        return self.schedule.type == "aws_scheduler_schedule"

    def parameters(self, *names: str) -> Mapping[str, Any]:
        """Return the first block of the target with one of these names, or an empty one."""
        (block, *_) = next(filter(None, (self.target.get(name) for name in names)), [{}])
        return dict(block)

    def taken(self, answer: Mapping[str, Any], name: str) -> Sent:
        """Remember and return an accepted message. `name` is the key of its id in the answer."""
        found = {**answer.get("ResponseMetadata", {}), **answer}.get(name, "")
        return outbox.remember(Sent(arn=self.arn, id=str(found), payload=self.text, at=self.at), self.at)

    def refused(self, expected: str) -> TargetError:
        """Return the error that this can't be sent."""
        return TargetError(self.schedule.address, self.arn, expected=expected)


def deliver(stack: Stack, schedule: Resource, moment: datetime) -> list[FiredEvent | Sent]:
    """Send each target its input for a schedule that is due at `moment`.

    `Deployment.trace` can follow the returned values. An entry in a log group and the call of a universal
    target are not returned.

    Raises:
        TargetError: The harness knows no such target, or AWS could not send to it.
    """
    event = inputs.scheduled_event(schedule, moment)
    planned = [(delivery, _sender(delivery)) for delivery in _plan(stack, schedule, event)]
    return [sent for delivery, sender in planned if (sent := sender(delivery, stack.client)) is not None]


def _plan(stack: Stack, source: Resource, event: Event, *, is_forwarded: bool = False) -> Iterator[Delivery]:
    """Yield the inputs of a rule's or schedule's targets.

    A bus as a target is replaced by the targets of its rules.

    PutEvents sends nothing in the name of AWS, so the harness looks itself which rules of the stack match.
    A bus forwards no event that another one has forwarded to it:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-bus-to-bus.html
    """
    text = inputs.of_schedule if source.type == "aws_scheduler_schedule" else inputs.of_rule
    for target in _targets(stack, source):
        delivery = Delivery(schedule=source, target=target, event=event, text=text(source, target, event))
        if delivery.is_of_scheduler or ":event-bus/" not in delivery.arn:
            yield delivery
        elif any(target.get(name) for name in _INPUTS):
            raise delivery.refused("a bus that gets the event as it is, without an input of its own")
        elif not is_forwarded:
            for rule in _matching(stack, delivery.arn, event):
                yield from _plan(stack, rule, event, is_forwarded=True)


def _targets(stack: Stack, source: Resource) -> list[Mapping[str, Any]]:
    """Return the targets of a schedule, or of a rule."""
    if source.type == "aws_scheduler_schedule":
        return list(source.values["target"])
    key = (source.values["name"], _bus(source.values))
    every = [target.values for target in stack.resources("aws_cloudwatch_event_target")]
    return [target for target in every if (target["rule"], _bus(target)) == key]


def _matching(stack: Stack, bus: str, event: Event) -> list[Resource]:
    """Return the rules of a bus that match an event and are enabled."""
    return [
        rule
        for rule in stack.resources("aws_cloudwatch_event_rule")
        if _bus(rule.values) == bus.rpartition("/")[2]
        and rule.values.get("state") != "DISABLED"
        and rule.values.get("event_pattern")
        and patterns.matches(json.loads(rule.values["event_pattern"]), event)
    ]


def _bus(values: Mapping[str, Any]) -> str:
    """Return the name of the bus that a rule or a target is on."""
    return str(values.get("event_bus_name") or "default").rpartition("/")[2]


def is_read_only(arn: str) -> bool:
    """Return whether an ARN is a universal target with a read-only action, which Scheduler refuses."""
    found = _UNIVERSAL.fullmatch(arn)
    return found is not None and found[2].startswith(tuple(_READ_ONLY.split()))


def _sender(delivery: Delivery) -> Sender:
    """Return a function that sends it, after all checks."""
    if is_read_only(delivery.arn):
        raise delivery.refused("an action that does more than read, as AWS does")
    service = delivery.arn.split(":")[2]
    is_universal = delivery.is_of_scheduler and _UNIVERSAL.fullmatch(delivery.arn)
    if delivery.is_of_scheduler and (is_universal or service in _TAKES_JSON) and not _is_json(delivery.text):
        raise delivery.refused(f"an input that is JSON, not {delivery.text!r},")
    if is_universal:
        return _call
    sender = (_SCHEDULERS if delivery.is_of_scheduler else _RULES).get(service)
    if sender is None or (sender is _put and ":event-bus/" not in delivery.arn):
        raise delivery.refused(
            "a function, queue, topic, bus, state machine or stream, or a rule's log group, as its target"
        )
    if sender is _put and not delivery.parameters("eventbridge_parameters"):
        raise delivery.refused("eventbridge_parameters with a source and a detail_type")
    return sender


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _client(clients: Clients, service: str, delivery: Delivery) -> Any:  # noqa: ANN401 - a boto3 client
    return clients(service, delivery.arn.split(":")[3])


def _invoke(delivery: Delivery, clients: Clients) -> Sent:
    answer = _client(clients, "lambda", delivery).invoke(
        FunctionName=delivery.arn, InvocationType="Event", Payload=delivery.text.encode()
    )
    answer["Payload"].read()  # it is empty, and until then the connection is not free
    return delivery.taken(answer, "RequestId")


def _send(delivery: Delivery, clients: Clients) -> Sent:
    """Send a message. A FIFO queue as a target detects duplicates by content."""
    sqs = _client(clients, "sqs", delivery)
    account, name = delivery.arn.split(":")[4:6]
    url = sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
    group = delivery.parameters("sqs_parameters", "sqs_target").get("message_group_id")
    fifo = {"MessageGroupId": group} if group else {}
    return delivery.taken(sqs.send_message(QueueUrl=url, MessageBody=delivery.text, **fifo), "MessageId")


def _publish(delivery: Delivery, clients: Clients) -> Sent:
    answer = _client(clients, "sns", delivery).publish(TopicArn=delivery.arn, Message=delivery.text)
    return delivery.taken(answer, "MessageId")


def _start(delivery: Delivery, clients: Clients) -> Sent:
    states = _client(clients, "stepfunctions", delivery)
    answer = states.start_execution(stateMachineArn=delivery.arn, input=delivery.text)
    return delivery.taken(answer, "executionArn")


def _record(delivery: Delivery, clients: Clients) -> Sent:
    """Put a record whose partition is Scheduler's own, or by default a rule's event id."""
    path = str(delivery.parameters("kinesis_target").get("partition_key_path") or "$.id")
    key = delivery.parameters("kinesis_parameters").get("partition_key")
    answer = _client(clients, "kinesis", delivery).put_record(
        StreamName=delivery.arn.rpartition("/")[2],
        Data=delivery.text.encode(),
        PartitionKey=str(key or inputs.select(path, delivery.event) or delivery.event["id"]),
    )
    return delivery.taken(answer, "SequenceNumber")


def _log(delivery: Delivery, clients: Clients) -> None:
    """Log an event. A template with just a timestamp and a message decides on both itself.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
    """
    entry = {"timestamp": datetime.now(UTC).isoformat(), "message": delivery.text}
    if _is_json(delivery.text):
        own = json.loads(delivery.text)
        entry = own if isinstance(own, dict) and own.keys() == entry.keys() else entry
    logs, group, stream = _client(clients, "logs", delivery), delivery.arn.split(":")[6], str(uuid4())
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    line = {"timestamp": _milliseconds(str(entry["timestamp"])), "message": str(entry["message"])}
    answer = logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[line])
    if rejected := answer.get("rejectedLogEventsInfo"):
        raise delivery.refused(
            f"a timestamp that CloudWatch Logs takes, not {entry['timestamp']} ({rejected})"
        )


def _milliseconds(time: str) -> int:
    """Return a time of ISO 8601, or one in milliseconds, in milliseconds since the epoch."""
    return int(time) if time.isdecimal() else int(datetime.fromisoformat(time).timestamp() * 1000)


def _put(delivery: Delivery, clients: Clients) -> FiredEvent:
    """Put an event whose detail is the input of EventBridge Scheduler."""
    own = delivery.parameters("eventbridge_parameters")
    event = {"source": own["source"], "detail-type": own["detail_type"], "detail": json.loads(delivery.text)}
    return send.put_event(_client(clients, "events", delivery), patterns.to_fired_event(event, delivery.arn))


def _call(delivery: Delivery, clients: Clients) -> None:
    """Call any action of AWS with the input as its parameters: a universal target."""
    service, action = delivery.arn.split(":")[6:]
    region = str(delivery.schedule.values["arn"]).split(":")[3]
    try:
        client = clients(_NAMES_OF_BOTO3.get(service, service), region)
    except UnknownServiceError:
        raise delivery.refused("a service of AWS, named as its SDK for Java names it") from None
    methods = {name.lower(): (method, name) for method, name in client.meta.method_to_api_mapping.items()}
    if action.lower() not in methods:
        raise delivery.refused(f"an action of {service}")
    method, name = methods[action.lower()]
    shape = client.meta.service_model.operation_model(name).input_shape
    try:
        getattr(client, method)(**_shape(shape, json.loads(delivery.text)))
    except ParamValidationError as problem:
        complaint = " ".join(str(problem).split())
        raise delivery.refused(f"an input of parameters that {action} takes ({complaint})") from None


def _shape(shape: Any, value: Any) -> Any:  # noqa: ANN401 - a shape of botocore, and any JSON value
    """Return parameters named as boto3 names them: AWS's SDK for Java has all with a capital letter."""
    kind = getattr(shape, "type_name", "")
    if kind == "structure" and isinstance(value, dict):
        names = {name.lower(): name for name in shape.members}
        known = {names.get(name.lower(), name): each for name, each in value.items()}
        return {name: _shape(shape.members.get(name), each) for name, each in known.items()}
    if kind == "list" and isinstance(value, list):
        return [_shape(shape.member, each) for each in value]
    if kind == "map" and isinstance(value, dict):
        return {name: _shape(shape.value, each) for name, each in value.items()}
    return value


type Sender = Callable[[Delivery, Clients], FiredEvent | Sent | None]

_BOTH: Mapping[str, Sender] = {
    "lambda": _invoke,
    "sqs": _send,
    "sns": _publish,
    "states": _start,
    "kinesis": _record,
}
_RULES: Mapping[str, Sender] = {**_BOTH, "logs": _log}
_SCHEDULERS: Mapping[str, Sender] = {**_BOTH, "events": _put}
