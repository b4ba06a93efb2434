"""The policies of a role in the state, and whether a statement allows a need."""

from __future__ import annotations

import json
import re
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from harness.errors import PolicyError
from harness.permissions.required.operations import (
    OF_ANOTHER_SERVICE,
    PREFIXES,
    is_of_a_bucket,
    is_of_objects,
)
from harness.stack.assertions.policies import Request, allowed_by, as_list, like, statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.permissions.required import RequiredAction
    from harness.values import Resource

type Policy = Mapping[str, Any]
type Document = Mapping[str, Any]

_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
_STREAM = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
# AWS's own policies that are common in functions' roles, by the end of their ARN:
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
_OF_AWS: Mapping[str, tuple[str, ...]] = {
    "/AWSLambdaBasicExecutionRole": _LOGS,
    "/AWSLambdaDynamoDBExecutionRole": (*(f"dynamodb:{each}" for each in _STREAM), *_LOGS),
    "/AWSLambdaSQSQueueExecutionRole": (
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        *_LOGS,
    ),
    "/AWSXRayDaemonWriteAccess": (
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:GetSamplingStatisticSummaries",
    ),
}
_VARIABLE = re.compile(r"\$\{[^}]*\}")
_RESOURCE_POLICIES = frozenset({"policy", "resource_policy"})


class Match(IntEnum):
    """Whether a statement allows a need."""

    NO = 0
    MAYBE = 1
    YES = 2


def of_role(role: Resource, resources: Sequence[Resource]) -> Iterator[tuple[str, Policy | None]]:
    """Yield the policies of a role with their addresses. A policy with unknown text is None.

    A policy of AWS has its ARN for an address.
    """
    names = {role.values.get("name"), role.values.get("id")}
    known = {each.values.get("arn"): each for each in resources if each.type == "aws_iam_policy"}
    arns = set(role.values.get("managed_policy_arns") or ())
    for each in resources:
        if each.type == "aws_iam_role_policy" and each.values.get("role") in names:
            yield each.address, _read(each.values.get("policy"))
        if each.type == "aws_iam_role_policy_attachment" and each.values.get("role") in names:
            arns.add(str(each.values.get("policy_arn")))
        if each.type == "aws_iam_policy_attachment" and names & set(each.values.get("roles") or ()):
            arns.add(str(each.values.get("policy_arn")))
    for arn in sorted(arns):
        if policy := known.get(arn):
            yield policy.address, _read(policy.values.get("policy"))
        else:
            yield arn, _of_aws(arn)
    yield from _inline(role, resources)


def pairs_of(document: Document) -> list[tuple[str, str]]:
    """Return each pair of action and resource that a statement allows, except for impossible pairs.

    A statement with `NotAction` or `NotResource` is one pair of empty texts, because it can't be split.
    """
    if "NotAction" in document or "NotResource" in document:
        return [("", "")]
    return [
        (action, resource)
        for action in as_list(document.get("Action", []))
        for resource in as_list(document.get("Resource", []))
        if _fit(action, resource)
    ]


def match(document: Document, pair: tuple[str, str], need: RequiredAction) -> Match:
    """Return whether a statement's pair of action and resource matches a need.

    Args:
        document: The statement.
        pair: The action and the resource, from `pairs_of`.
        need: The need.
    """
    if not need.resource or "*" in need.action:
        return Match.MAYBE if _touches(_part(document, pair), need) else Match.NO
    found = _matched(document, need) if pair == ("", "") else _matched_plainly(pair, need)
    return found and min(found, _holds(document, need))


def denies(policy: Policy, need: RequiredAction) -> bool:
    """Return whether a policy of the role denies a need, under any conditions."""
    denials = (each for each in statements(policy) if each.get("Effect") == "Deny")
    return any(
        match({**each, "Effect": "Allow"}, pair, need) is Match.YES
        for each in denials
        for pair in pairs_of(each)
    )


def for_a_role(role: str, resources: Sequence[Resource]) -> Iterator[Document]:
    """Yield the statements by which resources themselves may let a role do something.

    Args:
        role: The role's ARN.
        resources: All resources of the stack.
    """
    for each in resources:
        if each.type == "aws_lambda_permission":
            if not str(each.values.get("principal")).endswith(".amazonaws.com"):
                yield {"Effect": "Allow", "Action": "lambda:*"}
        elif not each.type.startswith("aws_iam_"):
            texts = (each.values[name] for name in _RESOURCE_POLICIES & each.values.keys())
            policies = (_read(text) or {} for text in texts)
            yield from (one for policy in policies for one in statements(policy) if _is_for(role, one))


def may_allow(document: Document, need: RequiredAction) -> bool:
    """Return whether a statement of a resource's policy may allow a need."""
    return _touches({"Effect": "Allow", **_elements(document, "Action")}, need)


def _is_for(role: str, document: Document) -> bool:
    principal = document.get("Principal", {})
    named = [principal] if isinstance(principal, str) else as_list(principal.get("AWS", []))
    is_meant = "NotPrincipal" in document or bool({"*", role} & set(named))
    return document.get("Effect") == "Allow" and is_meant


def _read(text: object) -> Policy | None:
    try:
        document = json.loads(str(text))
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _of_aws(arn: str) -> Policy | None:
    actions = next(
        (each for end, each in _OF_AWS.items() if arn.endswith(end) and ":aws:policy" in arn), None
    )
    if actions is None:
        return None
    return {"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}


def _inline(role: Resource, resources: Sequence[Resource]) -> Iterator[tuple[str, Policy | None]]:
    """Yield the inline policies in the block of the role itself."""
    own = {
        str(each.values.get("name"))
        for each in resources
        if each.type == "aws_iam_role_policy" and each.values.get("role") == role.values.get("name")
    }
    for each in role.values.get("inline_policy") or ():
        if each.get("policy") and each.get("name") not in own:
            yield f"{role.address} inline_policy {each.get('name')}", _read(each["policy"])


def _fit(action: str, resource: str) -> bool:
    """Return whether an action applies to a resource. S3 has some for buckets, and some for objects."""
    if "*" in action or "?" in action or resource == "*" or not resource.startswith("arn:"):
        return True
    bucket, slash, _ = resource.partition("/")
    if is_of_objects(action):
        return bool(slash) or "*" in bucket or "?" in bucket
    return not (is_of_a_bucket(action) and slash and "*" not in bucket)


def _part(document: Document, pair: tuple[str, str]) -> Document:
    if pair == ("", ""):
        return {"Effect": "Allow", **_elements(document, "Action"), **_elements(document, "Resource")}
    return {"Effect": "Allow", "Action": pair[0], "Resource": pair[1]}


def _elements(document: Document, element: str) -> dict[str, Any]:
    return {name: document[name] for name in (element, f"Not{element}") if name in document}


def _matched(document: Document, need: RequiredAction) -> Match:
    """Judge a statement with `NotAction` or `NotResource`."""
    part = {"Effect": "Allow", **_elements(document, "Action"), **_elements(document, "Resource")}
    request = Request(action=need.action, resource=need.resource)
    try:
        return Match.YES if allowed_by({"Statement": [part]}, request) else Match.NO
    except PolicyError:
        return Match.MAYBE


def _matched_plainly(pair: tuple[str, str], need: RequiredAction) -> Match:
    """Judge a pair of action and resource. It matches surely only if it is the usual sufficient action."""
    action, resource = pair
    fitting = [each for each in need.actions if like(each.lower(), action.lower())]
    if not fitting:
        return Match.NO
    if like(need.resource, resource):
        return Match.YES if need.action in fitting else Match.MAYBE
    may_be_inside = resource.startswith((f"{need.resource}/", f"{need.resource}:"))  # an index, an alias
    may_be_other = need.action.startswith("s3:") and ":accesspoint/" in resource
    may_stand = "${" in resource and like(need.resource, _VARIABLE.sub("*", resource))
    return Match.MAYBE if may_be_inside or may_be_other or may_stand else Match.NO


def _touches(part: Document, need: RequiredAction) -> bool:
    """Return whether a statement contains a sufficient action, on any resource."""
    whole = {"Effect": "Allow", **_elements(part, "Action"), "Resource": "*"}
    if "NotAction" in part:
        return True
    if "*" in need.action:
        return any(_overlaps(each.lower(), need.action.lower()) for each in as_list(part["Action"]))
    wanted = (Request(action=action, resource="*") for action in need.actions)
    return any(allowed_by({"Statement": [whole]}, each) for each in wanted)


def _overlaps(one: str, other: str) -> bool:
    """Return whether two patterns of actions may overlap, judging by the texts before their wildcards."""
    if other == OF_ANOTHER_SERVICE:
        return one.partition(":")[0] not in PREFIXES.values()
    first, second = one.partition("*")[0], other.partition("*")[0]
    return first.startswith(second) or second.startswith(first)


def _holds(document: Document, need: RequiredAction) -> Match:
    """Judge a statement's conditions by the known parts of the request. Unknown ones may hold."""
    conditions = document.get("Condition") or {}
    known = {"kms:viaservice": need.via, "aws:requestedregion": need.region}
    keys = {key.lower() for tests in conditions.values() for key in tests}
    if not keys:
        return Match.YES
    if not keys <= known.keys():
        return Match.MAYBE
    context = {key: value for key, value in known.items() if value}
    request = Request(action="any:Any", resource="*", context=context)
    try:
        whole = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": conditions}
        return Match.YES if allowed_by({"Statement": [whole]}, request) else Match.NO
    except PolicyError:
        return Match.MAYBE
