"""Judge resource policies as AWS does. Emulators store them, but do not always enforce them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harness.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

type Policy = Mapping[str, Any]
type Statement = Mapping[str, Any]

_IF_EXISTS = "IfExists"
_ARN_PARTS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request for a permission.

    Attributes:
        action: The action, such as `s3:PutObject`.
        resource: The ARN of the resource.
        service: The requesting service, such as `events.amazonaws.com`. Empty for a principal of an account.
        principal: The ARN of the requesting principal. Empty for any principal of the account.
        context: The request's condition keys, such as `aws:SourceArn`, with their values.
    """

    action: str
    resource: str
    service: str = ""
    principal: str = ""
    context: Mapping[str, str] = field(default_factory=dict)


def denied_by(policy: Policy, request: Request) -> str:
    """Return the id of a statement that denies `request`.

    It is `Deny` if the statement has no id, and empty if no statement denies it.

    Raises:
        PolicyError: The policy has a part that cannot be judged here.
    """
    return next((statement_id(one) for one in statements(policy) if _applies(one, "Deny", request)), "")


def allowed_by(policy: Policy, request: Request) -> str:
    """Return the id of a statement that allows `request`, unless another denies it.

    It is empty if the request is not allowed.

    Raises:
        PolicyError: The policy has a part that cannot be judged here.
    """
    if denied_by(policy, request):
        return ""
    return next((statement_id(one) for one in statements(policy) if _applies(one, "Allow", request)), "")


def statements(policy: Policy) -> list[Statement]:
    """Return the statements of a policy, which may have a single one outside of a list."""
    given = policy.get("Statement", [])
    return list(given) if isinstance(given, list) else [given]


def statement_id(statement: Statement) -> str:
    """Return a statement's id, or its effect if it has none."""
    return str(statement.get("Sid") or statement["Effect"])


def as_list(value: object) -> list[str]:
    """Return the values of a policy element, which is one text or a list."""
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _applies(statement: Statement, effect: str, request: Request) -> bool:
    return (
        statement["Effect"] == effect
        and _is_asked_by(statement, request)
        and _names(statement, "Action", request.action.lower(), lower=True)
        and _names(statement, "Resource", request.resource)
        and all(_holds(*condition, request) for condition in _conditions(statement))
    )


def _is_asked_by(statement: Statement, request: Request) -> bool:
    if "NotPrincipal" in statement:
        raise PolicyError("NotPrincipal", "cannot be judged here; state a Principal with conditions")
    given = statement.get("Principal", "*")
    if given == "*":
        return True
    if request.service:
        return request.service in as_list(given.get("Service", []))
    principals = as_list(given.get("AWS", []))
    return "*" in principals or request.principal in principals


def _names(statement: Statement, element: str, value: str, *, lower: bool = False) -> bool:
    """Return whether the statement's `element`, or its `Not` form, covers `value`."""
    negated = f"Not{element}"
    patterns = [_plain(each) for each in as_list(statement.get(negated, statement.get(element, "*")))]
    found = any(like(value, each.lower() if lower else each) for each in patterns)
    return found != (negated in statement)


def _conditions(statement: Statement) -> Iterator[tuple[str, str, list[str]]]:
    for comparison, tests in statement.get("Condition", {}).items():
        for key, values in tests.items():
            yield comparison, key, [_plain(each) for each in as_list(values)]


def _plain(value: str) -> str:
    if "${" in value:
        raise PolicyError(value, "has a variable, which cannot be judged here")
    return value


def _holds(comparison: str, key: str, values: list[str], request: Request) -> bool:
    """Judge one condition.

    If the request lacks the key, only a negated condition or an IfExists is true.
    """
    present = {name.lower(): value for name, value in request.context.items()}.get(key.lower())
    if comparison == "Null":
        return (present is None) == (values[0].lower() == "true")
    name = comparison.removesuffix(_IF_EXISTS)
    negated = "Not" in name
    if (test := _COMPARISONS.get(name.replace("Not", ""))) is None:
        known = ", ".join([*_COMPARISONS, "Null"])
        raise PolicyError(
            comparison, f"cannot be judged here; these can: {known}, Not and IfExists with them"
        )
    if present is None:
        return negated or comparison.endswith(_IF_EXISTS)
    return any(test(present, value) for value in values) != negated


def like(value: str, pattern: str) -> bool:
    """Match a text against a pattern, in which `*` stands for any characters and `?` for one."""
    return _regex(pattern).fullmatch(value) is not None


@lru_cache(maxsize=1024)  # a few patterns meet all calls of a run
def _regex(pattern: str) -> re.Pattern[str]:
    parts = (".*" if each == "*" else "." if each == "?" else re.escape(each) for each in pattern)
    return re.compile("".join(parts), re.DOTALL)


def _arn_like(value: str, pattern: str) -> bool:
    """Match ARNs part by part. A wildcard does not cross the first five colons."""
    parts, patterns = value.split(":", _ARN_PARTS - 1), pattern.split(":", _ARN_PARTS - 1)
    return len(parts) == len(patterns) and all(map(like, parts, patterns))


def _equals_ignoring_case(value: str, other: str) -> bool:
    return value.lower() == other.lower()


def _numeric(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda value, bound: compare(float(value), float(bound))


_COMPARISONS: Mapping[str, Callable[[str, str], bool]] = {
    "ArnEquals": _arn_like,  # AWS has both behave alike
    "ArnLike": _arn_like,
    "Bool": _equals_ignoring_case,
    "NumericEquals": _numeric(operator.eq),
    "NumericGreaterThan": _numeric(operator.gt),
    "NumericGreaterThanEquals": _numeric(operator.ge),
    "NumericLessThan": _numeric(operator.lt),
    "NumericLessThanEquals": _numeric(operator.le),
    "StringEquals": operator.eq,
    "StringEqualsIgnoreCase": _equals_ignoring_case,
    "StringLike": like,
}
