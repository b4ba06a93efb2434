"""A model of how AWS evaluates the policies of one account, limited to the project's own policies.

The rules are those of
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html.
An element or operator that the model doesn't know is an error, and never a guess.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["Request", "deployer_policy", "is_allowed", "is_denied", "matches"]

type Statement = Mapping[str, Any]

_ELEMENTS = frozenset({"Sid", "Effect", "Principal", "Action", "Resource", "Condition"})
_IF_EXISTS = "IfExists"
_FOR_ALL = "ForAllValues:"
_DEPLOYER = Path(__file__).parents[1] / "terraform" / "env" / "deployer.json.tftpl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A caller's request.

    Attributes:
        action: Such as ``s3:GetObject``.
        resource: Its ARN.
        context: The condition keys of the service, by name.
        principals: The caller's names in a policy: an ARN, its account's root, a service.
    """

    action: str
    resource: str = "*"
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    principals: frozenset[str] = frozenset()


def deployer_policy(*, account: str = "000000000000", environment: str = "prod") -> list[dict[str, Any]]:
    """Return the statements of the documented policy for deployers of an environment."""
    text = _DEPLOYER.read_text("utf-8").replace("${account}", account).replace("${environment}", environment)
    statements: list[dict[str, Any]] = json.loads(text)["Statement"]
    return statements


def is_allowed(statements: Iterable[Statement], request: Request) -> bool:
    """Return whether these statements alone allow a request: one allows it, and none denies it."""
    applicable = [statement["Effect"] for statement in statements if _applies(statement, request)]
    return "Allow" in applicable and "Deny" not in applicable


def is_denied(statements: Iterable[Statement], request: Request) -> bool:
    """Return whether one of these statements explicitly denies a request."""
    return any(one["Effect"] == "Deny" for one in statements if _applies(one, request))


def matches(value: str, pattern: str) -> bool:
    """Compare as IAM does: ``*`` stands for any characters, ``?`` for one."""
    parts = {"*": ".*", "?": "."}
    expression = "".join(parts.get(letter) or re.escape(letter) for letter in pattern)
    return re.fullmatch(expression, value, re.DOTALL) is not None


def _applies(statement: Statement, request: Request) -> bool:
    if unknown := statement.keys() - _ELEMENTS:
        raise NotImplementedError(f"the model knows no element {sorted(unknown)}")
    return (
        any(matches(request.action.lower(), action.lower()) for action in _listed(statement["Action"]))
        and any(matches(request.resource, one) for one in _listed(statement.get("Resource", "*")))
        and _names(statement.get("Principal"), request.principals)
        and all(
            _holds(operator, key, _listed(values), request.context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _names(principal: str | Mapping[str, str | Sequence[str]] | None, callers: frozenset[str]) -> bool:
    """Return whether a statement applies to one of these callers. A role's own policy names nobody."""
    if principal is None or principal == "*":
        return True
    assert not isinstance(principal, str)
    named = {one for values in principal.values() for one in _listed(values)}
    return "*" in named or not named.isdisjoint(callers)


def _holds(
    operator: str, key: str, expected: Sequence[str], context: Mapping[str, str | Sequence[str]]
) -> bool:
    value = {name.lower(): text for name, text in context.items()}.get(key.lower())
    if operator.startswith(_FOR_ALL):
        plain = operator.removeprefix(_FOR_ALL)
        return all(_holds(plain, key, expected, {key: one}) for one in _listed(value or []))
    if operator == "Null":
        return expected == [str(value is None).lower()]
    if value is None:
        return operator.endswith(_IF_EXISTS) or "Not" in operator
    if not isinstance(value, str):
        raise NotImplementedError(f"{key} has several values, which {operator} is not for")
    name = operator.removesuffix(_IF_EXISTS)
    compare = _OPERATORS[name.replace("Not", "", 1)]
    return any(compare(value, one) for one in expected) != ("Not" in name)


def _listed(values: str | Sequence[str]) -> list[str]:
    return [values] if isinstance(values, str) else list(values)


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringLike": matches,
    "ArnLike": matches,
    "ArnEquals": matches,
    "Bool": lambda value, expected: value.lower() == expected.lower(),
}
