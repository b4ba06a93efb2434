"""Judge how far the tests have exercised each resource, based on their calls.

A kind of resource that no rule here knows is unknown: nothing counts as used that no call shows to be.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from harness.coverage import apis
from harness.coverage.levels import Level
from harness.coverage.operations import is_of_a_test, is_of_the_system, reads, writes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from harness.aws.calls import Call
    from harness.coverage.apis.requests import Request
    from harness.values import Resource

type Judgement = tuple[Level, str]

# Kinds that hold data, or that are called: a call names them by their ARN.
_CALLED = frozenset({"aws_s3_bucket", "aws_dynamodb_table", "aws_secretsmanager_secret", "aws_ssm_parameter"})
# Kinds that an emulator's own services may use too: MiniStack's log does not have that.
_DELIVERED_TO = frozenset(
    {
        "aws_sqs_queue",
        "aws_sns_topic",
        "aws_kinesis_stream",
        "aws_sfn_state_machine",
        "aws_cloudwatch_event_bus",
        "aws_cloudwatch_log_group",
    }
)
# Kinds that other services use without a call that any log has.
_USED_BEHIND = frozenset({"aws_kms_key", "aws_s3_object", "aws_kms_alias"})
_SERVICES = {"states": "stepfunctions"}  # boto3's names of services that have another name in ARNs
_READS_OF_ALARMS = frozenset({"DescribeAlarms", "DescribeAlarmHistory"})
_UNSEEN = "no function and no test has called it"


@dataclass(frozen=True)
class Evidence:
    """The evidence for the judgement.

    Attributes:
        resources: All resources of the stack.
        calls: The calls of the run, in the order of their answers.
        enforces: Whether the backend enforces the permissions of roles.
    """

    resources: Sequence[Resource]
    calls: Sequence[Call]
    enforces: bool = False

    def about(self, arn: str) -> Sequence[Call]:
        """Return the calls about a resource with this ARN, or about something inside it."""
        return self._by_arn.get(arn, ()) if arn else ()

    @cached_property
    def _by_arn(self) -> Mapping[str, Sequence[Call]]:
        found: defaultdict[str, list[Call]] = defaultdict(list)
        for call in self.calls:
            for arn in {outer for each in call.resources for outer in _outers(each)}:
                found[arn].append(call)
        return found

    @cached_property
    def requests(self) -> Collection[Request]:
        """The requests to APIs."""
        return apis.requests_in(self.calls)

    @cached_property
    def tells_deliveries(self) -> bool:
        """Whether the log has the calls between the emulator's services."""
        return any(call.source for call in self.calls)


def judge_resources(
    resources: Sequence[Resource], calls: Sequence[Call], *, enforces: bool = False
) -> dict[str, Judgement]:
    """Return the level of each resource by its address, and why it has that.

    Args:
        resources: All resources of a stack.
        calls: The calls of the run, in the order of their answers.
        enforces: Whether the backend enforces the permissions of roles.
    """
    evidence = Evidence(resources, calls, enforces)
    return {resource.address: _judgement(resource, evidence) for resource in resources}


def _judgement(resource: Resource, evidence: Evidence) -> Judgement:
    if resource.type in _CALLED:
        return _judge_call(resource, evidence, unseen=Level.CREATED)
    if resource.type in _DELIVERED_TO:
        unseen = Level.CREATED if evidence.tells_deliveries else Level.UNKNOWN
        return _judge_call(resource, evidence, unseen=unseen)
    if resource.type in _USED_BEHIND:
        return _judge_call(resource, evidence, unseen=Level.UNKNOWN)
    if resource.type in apis.KINDS:
        return apis.judgement(resource, evidence.resources, evidence.requests)
    rule = _RULES.get(resource.type)
    return (
        rule(resource, evidence)
        if rule
        else (Level.UNKNOWN, f"no call shows whether one of the kind {resource.type} is used")
    )


def _judge_call(resource: Resource, evidence: Evidence, *, unseen: Level) -> Judgement:
    """Judge a resource whose calls name its ARN.

    After the harness has emptied it, it counts as unused.
    """
    arn = str(resource.values.get("arn") or "").removesuffix(":*")
    service = _SERVICES.get(_service_of(arn), _service_of(arn))
    best, has_acted = (unseen, _UNSEEN), False
    for call in evidence.about(arn):
        has_acted &= call.by != "harness"
        if not (reads(call) or writes(call)):
            continue
        if is_of_a_test(call) or is_of_the_system(call):
            best = max(best, (Level.USED, describe_call(call)), key=lambda each: each[0])
        if is_of_a_test(call) and reads(call) and call.service == service and has_acted:
            return Level.ASSERTED, describe_call(call)
        has_acted |= is_of_the_system(call) and writes(call)
    return best


def _function(resource: Resource, evidence: Evidence) -> Judgement:
    arn = str(resource.values.get("arn") or "")
    return _run(arn, evidence) or (Level.CREATED, "it has not run")


def _alias(resource: Resource, evidence: Evidence) -> Judgement:
    arn = str(resource.values.get("arn") or "")
    function = arn.rpartition(":")[0]
    if run := _run(arn, evidence):
        return run
    if _run(function, evidence) and not evidence.tells_deliveries:
        return Level.UNKNOWN, "the function has run, but the log does not show by which alias"
    return Level.CREATED, "no function has run by it"


def _run(arn: str, evidence: Evidence) -> Judgement | None:
    """Judge a function, or one of its aliases, by its runs."""
    about = evidence.about(arn)
    answered = [call for call in about if call.service == "lambda" and call.operation == "Invoke"]
    for call in answered:
        if is_of_a_test(call) and call.succeeded and call.status == _ANSWERED:
            return Level.ASSERTED, describe_call(call)
    run = next((call for call in about if call.service == "lambda-runtime"), None)
    return (Level.USED, f"it ran, request {run.request_id}") if run else None


def _rule(resource: Resource, evidence: Evidence) -> Judgement:
    arn = str(resource.values.get("arn") or "")
    return _source(evidence, lambda call: bool(arn) and call.source == arn)


def _target(resource: Resource, evidence: Evidence) -> Judgement:
    rule, arn = str(resource.values.get("rule") or ""), str(resource.values.get("arn") or "")
    bus = str(resource.values.get("event_bus_name") or "default")
    ends = (f":rule/{rule}", f":rule/{bus}/{rule}")
    return _source(evidence, lambda call: bool(arn) and call.source.endswith(ends) and call.concerns(arn))


def _source(evidence: Evidence, is_meant: Callable[[Call], bool]) -> Judgement:
    """Judge a source by the emulator's calls of other services for it."""
    if made := next((call for call in evidence.calls if is_meant(call) and call.succeeded), None):
        return Level.USED, describe_call(made)
    if evidence.tells_deliveries:
        return Level.CREATED, "it has called nothing"
    return Level.UNKNOWN, "the log does not have the calls between the emulator's services"


def _role(resource: Resource, evidence: Evidence) -> Judgement:
    if not evidence.enforces:
        return Level.UNKNOWN, "the backend does not enforce permissions"
    functions = {
        f"function:{each.values.get('function_name')}"
        for each in evidence.resources
        if each.type == "aws_lambda_function" and each.values.get("role") == resource.values.get("arn")
    }
    made = next((call for call in evidence.calls if call.by in functions and call.succeeded), None)
    return (
        (Level.USED, describe_call(made))
        if made
        else (Level.UNKNOWN, "the log tells of the roles of functions only")
    )


def _alarm(resource: Resource, evidence: Evidence) -> Judgement:
    """Judge an alarm by what set it, what it has called, and who has read its state."""
    arn = str(resource.values.get("arn") or "")
    best, has_acted = (Level.UNKNOWN, "no call tells whether its state has changed"), False
    for call in evidence.calls:
        is_own = bool(arn) and call.source == arn
        is_about = bool(arn) and call.concerns(arn) and call.service == "cloudwatch" and call.succeeded
        is_read = is_about and is_of_a_test(call) and call.operation in _READS_OF_ALARMS
        is_set = is_about and call.operation == "SetAlarmState" and call.by.startswith(("test:", "function:"))
        if is_read and has_acted:
            return Level.ASSERTED, describe_call(call)
        if is_own or is_read or is_set:
            best = max(best, (Level.USED, describe_call(call)), key=lambda each: each[0])
        has_acted |= is_own or is_set
    return best


def describe_call(call: Call) -> str:
    """Return a call as a reason."""
    return f"{call.service}:{call.operation} by {call.by}"


def _outers(arn: str) -> Iterator[str]:
    """Yield an ARN and the ARNs around it."""
    yield arn
    yield from (arn[: end.start()] for end in re.finditer("[/:]", arn))


def _service_of(arn: str) -> str:
    return arn.split(":")[2] if arn.count(":") > 2 else ""  # noqa: PLR2004 - an ARN's third part


_ANSWERED = 200  # an invocation whose answer was waited for
_RULES: Mapping[str, Callable[[Resource, Evidence], Judgement]] = {
    "aws_lambda_function": _function,
    "aws_lambda_alias": _alias,
    "aws_cloudwatch_event_rule": _rule,
    "aws_cloudwatch_event_target": _target,
    "aws_cloudwatch_composite_alarm": _alarm,
    "aws_cloudwatch_metric_alarm": _alarm,
    "aws_iam_role": _role,
}
