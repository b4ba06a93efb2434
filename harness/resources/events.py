"""Rules and schedules of EventBridge."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from harness.errors import PatternError, TargetError
from harness.eventbridge import expressions, patterns, send
from harness.resources.lookup import View

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.eventbridge.patterns import NearMiss
    from harness.values import FiredEvent


class Rule(View):
    """A rule with a pattern: fire it, or send what it must not match."""

    __slots__ = ()

    @property
    def pattern(self) -> dict[str, Any]:
        """The pattern."""
        pattern: dict[str, Any] = json.loads(self.resource.values["event_pattern"])
        return pattern

    @property
    def bus(self) -> str:
        """The name or ARN of the rule's bus."""
        return str(self.resource.values.get("event_bus_name") or "default")

    def fire(self, **overrides: Any) -> FiredEvent:  # noqa: ANN401 - any JSON value
        """Send an event that matches the pattern.

        Args:
            overrides: `source`, `detail_type` or `detail`, in place of those that the harness makes up.

        Raises:
            PatternError: PutEvents can't send such an event, or the overrides don't match the pattern.
            ExpectationError: EventBridge did not accept it.
        """
        given = {name.replace("_", "-"): value for name, value in overrides.items()}
        event = patterns.matching(self.pattern) | given
        if not patterns.matches(self.pattern, event):
            raise PatternError("", f"expected overrides that match {self.pattern}, got {given}")
        return send.sent(self.client("events"), patterns.as_fired(event, self.bus))

    def near_misses(self) -> Iterator[NearMiss]:
        """Yield events that do not match for one reason each, as far as PutEvents can send them.

        Send each with `stack.fire(miss.event, bus=rule.bus)`.
        """
        yield from (miss for miss in patterns.near_misses(self.pattern) if miss.can_be_sent)


class Schedule(View):
    """A schedule of EventBridge Scheduler, or a rule with a schedule: run it now, see when it is due."""

    __slots__ = ()

    def next_runs(self, n: int = 5, *, after: datetime | None = None) -> list[datetime]:
        """Return when AWS would run it next, whatever the emulator thinks, enabled or not.

        The times are those of AWS's documentation, in the schedule's time zone; a rule's zone is UTC. A rate
        without a start date counts from `after`. There are fewer than `n` if the schedule ends before.

        Args:
            n: How many times to return at most.
            after: They are all later than this time, which is now by default.

        Raises:
            ScheduleError: AWS would refuse the expression, or `after` has no time zone.
        """
        timetable = expressions.timetable_of(self.resource)
        return list(itertools.islice(timetable.runs(after or datetime.now(UTC)), n))

    def run(self) -> None:
        """Send to each target what AWS would send when the schedule is due.

        The harness sends it itself, as no API of AWS does. The target has to be a function, a queue,
        a topic, a bus or a state machine.

        Raises:
            TargetError: A target is of another kind, or has its input made by an input transformer.
        """
        values = self.resource.values
        if self.resource.type == "aws_scheduler_schedule":
            for target in values["target"]:
                self._deliver(target, _filled(target.get("input") or "", values["arn"]) or self._default())
            return
        for target in self.stack.resources("aws_cloudwatch_event_target"):
            if _is_of(target.values, values):
                self._deliver(target.values, target.values.get("input") or self._default())

    def _default(self) -> str:
        """Return the event that AWS sends if the target has no input of its own."""
        arn = str(self.resource.values["arn"])
        is_scheduler = self.resource.type == "aws_scheduler_schedule"
        event = {
            "version": "0",
            "id": str(uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler" if is_scheduler else "aws.events",
            "account": arn.split(":")[4],
            "time": _now(),
            "region": arn.split(":")[3],
            "resources": [arn],
            "detail": "{}" if is_scheduler else {},
        }
        return json.dumps(event)

    def _deliver(self, target: Mapping[str, Any], text: str) -> None:
        arn = str(target["arn"])
        service = arn.split(":")[2]
        if target.get("input_path") or target.get("input_transformer") or service not in _DELIVERIES:
            raise TargetError(self.resource.address, arn)
        boto_name, deliver = _DELIVERIES[service]
        deliver(self.stack.client(boto_name, arn.split(":")[3]), target, text)


def _is_of(target: Mapping[str, Any], rule: Mapping[str, Any]) -> bool:
    buses = {each.get("event_bus_name") or "default" for each in (target, rule)}
    return bool(target["rule"] == rule["name"]) and len(buses) == 1


def _filled(text: str, arn: str) -> str:
    """Return a Scheduler's input with its context attributes filled in.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """
    context = {
        "schedule-arn": arn,
        "scheduled-time": _now(),
        "execution-id": str(uuid4()),
        "attempt-number": "1",
    }
    for name, value in context.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _invoke(functions: Any, target: Mapping[str, Any], text: str) -> None:  # noqa: ANN401 - a boto3 client
    functions.invoke(FunctionName=target["arn"], InvocationType="Event", Payload=text.encode())


def _send(sqs: Any, target: Mapping[str, Any], text: str) -> None:  # noqa: ANN401 - a boto3 client
    account, name = str(target["arn"]).split(":")[4:6]
    url = sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
    (parameters, *_) = target.get("sqs_parameters") or target.get("sqs_target") or [{}]
    group = parameters.get("message_group_id")
    sqs.send_message(QueueUrl=url, MessageBody=text, **({"MessageGroupId": group} if group else {}))


def _publish(sns: Any, target: Mapping[str, Any], text: str) -> None:  # noqa: ANN401 - a boto3 client
    sns.publish(TopicArn=target["arn"], Message=text)


def _put(events: Any, target: Mapping[str, Any], text: str) -> None:  # noqa: ANN401 - a boto3 client
    (parameters, *_) = target.get("eventbridge_parameters") or [{}]
    event = {"source": parameters.get("source"), "detail-type": parameters.get("detail_type")}
    bus = str(target["arn"]).rpartition("/")[2]
    send.sent(events, patterns.as_fired({**event, "detail": json.loads(text)}, bus))


def _start(states: Any, target: Mapping[str, Any], text: str) -> None:  # noqa: ANN401 - a boto3 client
    states.start_execution(stateMachineArn=target["arn"], input=text)


_DELIVERIES = {
    "lambda": ("lambda", _invoke),
    "sqs": ("sqs", _send),
    "sns": ("sns", _publish),
    "events": ("events", _put),
    "states": ("stepfunctions", _start),
}
