"""The permissions that Lambda itself needs from a function's role: logs, traces, queues, streams, failures.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.permissions.required.action import RequiredAction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.values import Resource

_LOGS = ("logs:CreateLogStream", "logs:PutLogEvents")
_TRACES = ("xray:PutTelemetryRecords", "xray:PutTraceSegments")
_NETWORK = ("ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces")
_READS: Mapping[str, tuple[str, ...]] = {
    "sqs": ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
    "dynamodb": ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
    "kinesis": (
        "kinesis:DescribeStream",
        "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
    ),
}
_LISTS: Mapping[str, str] = {"dynamodb": "dynamodb:ListStreams", "kinesis": "kinesis:ListStreams"}
_SENDS: Mapping[str, str] = {
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "lambda": "lambda:InvokeFunction",
    "events": "events:PutEvents",
}
# Permissions that a function may need, without any evidence in the log.
_PERHAPS = (
    "logs:CreateLogGroup",
    "iam:PassRole",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:GetSamplingStatisticSummaries",
)


def required_by_lambda(function: Resource, resources: Sequence[Resource]) -> Iterator[RequiredAction]:
    """Yield the permissions with which Lambda runs a function in this configuration.

    Args:
        function: The function, an `aws_lambda_function`, which has run.
        resources: All resources of the stack.
    """
    name = str(function.values.get("function_name"))
    yield from _needed(_LOGS, _log_of(function), f"Lambda writes the log of {name}")
    for action in _PERHAPS:
        yield _perhaps(action, "no call tells of it")
    if any(each.get("mode") == "Active" for each in _nested(function, "tracing_config")):
        yield from _needed(_TRACES, "*", f"Lambda sends the traces of {name}")
    if any(each.get("subnet_ids") for each in _nested(function, "vpc_config")):
        yield from _needed(_NETWORK, "*", f"Lambda puts {name} into a VPC")
        yield _perhaps("ec2:*", f"perhaps for the VPC of {name}")
    if function.values.get("kms_key_arn"):
        yield _perhaps("kms:Decrypt", f"perhaps for the encrypted environment of {name}")
    if function.values.get("file_system_config"):
        yield _perhaps("elasticfilesystem:*", f"perhaps for the file system of {name}")
    for target in _targets(function, resources):
        yield from _sent_to(target, f"Lambda sends what {name} leaves to it")
    for mapping in resources:
        if mapping.type == "aws_lambda_event_source_mapping" and _is_of(mapping, function):
            yield from _read(mapping, name)


def _needed(actions: Sequence[str], resource: str, why: str) -> Iterator[RequiredAction]:
    for action in actions:
        yield RequiredAction(
            actions=(action,), resource=resource, why=why, is_sure=bool(resource), is_behind=True
        )


def _perhaps(action: str, why: str) -> RequiredAction:
    return RequiredAction(actions=(action,), resource="", why=why, is_sure=False, is_behind=True)


def _log_of(function: Resource) -> str:
    """Return the ARN of the streams in a function's log group, or an empty text if unknown."""
    arn = str(function.values.get("arn") or "").split(":")
    if len(arn) < 7:  # noqa: PLR2004 - the parts of a function's ARN
        return ""
    own = [each["log_group"] for each in _nested(function, "logging_config") if each.get("log_group")]
    group = own[0] if own else f"/aws/lambda/{arn[6]}"
    return f"{arn[0]}:{arn[1]}:logs:{arn[3]}:{arn[4]}:log-group:{group}:log-stream:any"


def _targets(function: Resource, resources: Sequence[Resource]) -> Iterator[str]:
    """Yield the ARNs of the destinations of failed events and of answers."""
    yield from (str(each.get("target_arn") or "") for each in _nested(function, "dead_letter_config"))
    for each in resources:
        is_own = each.type in {"aws_lambda_function_event_invoke_config", "aws_lambda_event_source_mapping"}
        if is_own and _is_of(each, function):
            yield from _destinations(each)


def _destinations(configuration: Resource) -> Iterator[str]:
    for outer in _nested(configuration, "destination_config"):
        for end in ("on_failure", "on_success"):
            for each in outer.get(end) or ():
                yield str(each.get("destination") or each.get("destination_arn") or "")


def _sent_to(target: str, why: str) -> Iterator[RequiredAction]:
    service = target.split(":")[2] if target.count(":") > 2 else ""  # noqa: PLR2004 - an ARN's third part
    if action := _SENDS.get(service):
        yield from _needed((action,), target, why)
        yield from (_perhaps(each, why) for each in ("kms:Decrypt", "kms:GenerateDataKey"))
    elif service == "s3":
        yield from (_perhaps(each, why) for each in ("s3:PutObject", "s3:ListBucket"))


def _read(mapping: Resource, name: str) -> Iterator[RequiredAction]:
    source = str(mapping.values.get("event_source_arn") or "")
    service = source.split(":")[2] if source.count(":") > 2 else ""  # noqa: PLR2004 - an ARN's third part
    why = f"Lambda reads {source.rpartition(':')[2]} for {name}"
    yield from _needed(_READS.get(service, ()), source, why)
    if service in _LISTS:
        yield _perhaps(_LISTS[service], why)
    if service not in _READS:
        yield _perhaps("*", why)
    yield _perhaps("kms:Decrypt", why)


def _is_of(configuration: Resource, function: Resource) -> bool:
    named = {str(configuration.values.get(each) or "") for each in ("function_name", "function_arn")}
    name, arn = str(function.values.get("function_name")), str(function.values.get("arn"))
    return any(each in {name, arn} or each.startswith((f"{name}:", f"{arn}:")) for each in named)


def _nested(resource: Resource, block: str) -> Sequence[Mapping[str, Any]]:
    return resource.values.get(block) or ()
