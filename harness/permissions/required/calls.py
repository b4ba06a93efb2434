"""The permissions that a function's calls have needed: actions on resources."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.permissions.required import keys
from harness.permissions.required.action import RequiredAction
from harness.permissions.required.operations import (
    FOR_ANY,
    OF_ANOTHER_SERVICE,
    PREFIXES,
    actions_of,
    is_of_a_bucket,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.aws.calls import Call
    from harness.values import Resource

_DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException"}
)
_FORBIDDEN, _NOT_FOUND = 403, 404
_HEADS = frozenset({"HeadObject", "HeadBucket"})  # their answers have no body, and so no error code


def required_by_calls(calls: Sequence[Call], resources: Sequence[Resource]) -> set[RequiredAction]:
    """Return the needs of calls.

    A call of an unknown operation may need any action of its service.

    Args:
        calls: The calls of a function.
        resources: All resources of the stack.
    """
    needs = {need for call in calls for need in _of_call(call, resources)}
    if any(call.service == "sts" and call.operation.startswith("AssumeRole") for call in calls):
        return {
            replace(need, is_sure=False, why=f"{need.why}, unless with the role that it took")
            for need in needs
        }
    return needs


def is_denied(call: Call) -> bool:
    """Whether a call was refused for lack of permission."""
    is_bare = call.service == "s3" and call.operation in _HEADS and call.status == _FORBIDDEN
    return call.error in _DENIED or is_bare


def _of_call(call: Call, resources: Sequence[Resource]) -> Iterator[RequiredAction]:
    asked = actions_of(call.service, call.operation)
    why = f"{call.service}:{call.operation} by {call.by}"
    perhaps = f"perhaps by {why}"
    if asked is None:
        action = f"{PREFIXES[call.service]}:*" if call.service in PREFIXES else OF_ANOTHER_SERVICE
        yield RequiredAction(actions=(action,), resource="", why=perhaps, is_sure=False)
        return
    denied = is_denied(call)
    for each in asked.actions:
        actions = tuple(each.split("|"))
        for arn in _arns(call, actions[0], resources):
            yield RequiredAction(
                actions=actions,
                resource=arn,
                why=why if arn else perhaps,
                is_sure=bool(arn),
                is_denied=denied,
                region=call.region,
            )
    for each in asked.perhaps:
        yield RequiredAction(actions=(each,), resource="", why=perhaps, is_sure=False)
    if not denied:
        yield from _listing(call, why)
        yield from _keys(call, resources, why)


def _listing(call: Call, why: str) -> Iterator[RequiredAction]:
    """Yield the permission without which S3 answers 403 instead of 404 for a missing object.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """
    if call.service == "s3" and call.operation in {"GetObject", "HeadObject"} and call.status == _NOT_FOUND:
        for arn in _of_service(call, "s3"):
            bucket = arn.partition("/")[0]
            reason = f"{why}, answered with 404"
            yield RequiredAction(
                actions=("s3:ListBucket",), resource=bucket, why=reason, is_behind=True, region=call.region
            )


def _keys(call: Call, resources: Sequence[Resource], why: str) -> Iterator[RequiredAction]:
    """Yield the permissions on keys that the service uses for the call."""
    for use in keys.uses_of(call, resources):
        yield RequiredAction(
            actions=(use.action,),
            resource=use.key,
            why=why if use.is_sure else f"perhaps by {why}",
            is_sure=use.is_sure,
            is_behind=True,
            via=use.via,
            region=call.region,
        )


def _arns(call: Call, action: str, resources: Sequence[Resource]) -> list[str]:
    """Return the ARNs by which a policy names the call's resources, or an empty one if unknown."""
    if action in FOR_ANY:
        return ["*"]
    service = action.partition(":")[0]
    arns = [_as_in_policies(arn, resources) for arn in _of_service(call, service)]
    if service == "s3":
        arns = [arn for arn in arns if ("/" in arn) != is_of_a_bucket(action)]
    if service == "kms":
        arns = [arn for arn in arns if ":key/" in arn]
    return list(dict.fromkeys(arns)) or [""]


def _of_service(call: Call, service: str) -> list[str]:
    return [arn for arn in call.resources if arn.startswith("arn:") and arn.split(":")[2:3] == [service]]


def _as_in_policies(arn: str, resources: Sequence[Resource]) -> str:
    """Return the ARN that AWS knows something by, which the log has by its name alone."""
    service = arn.split(":")[2]
    if service == "secretsmanager":  # AWS appends six characters to the name
        name = arn.partition(":secret:")[2]
        secrets = (each for each in resources if each.type == "aws_secretsmanager_secret")
        return next((str(each.values.get("arn")) for each in secrets if each.values.get("name") == name), arn)
    if service == "kms" and ":alias/" in arn:
        return keys.key_arn(arn, resources) or arn
    if service == "logs" and ":log-stream:" not in arn:
        return f"{arn.removesuffix(':*')}:log-stream:any"
    return arn
