"""What a rule is, and what it looks at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from harness.values import Resource

type Broken = tuple[Resource, str]
type Rule = Callable[[Resources], Iterator[Broken]]

_RULES: list[tuple[str, Rule]] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something that AWS would not take, or would not let in, although the emulator did.

    Attributes:
        address: The resource's address in Terraform.
        reason: What AWS asks for, and what came.
        source: Where AWS says so.
    """

    address: str
    reason: str
    source: str

    def __str__(self) -> str:
        """Return the refusal as a person reads it."""
        return f"{self.address}: {self.reason} ({self.source})"


@dataclass(frozen=True, slots=True)
class Resources:
    """All resources of a stack."""

    all: Sequence[Resource]

    def of(self, kind: str) -> list[Resource]:
        """Return those of one type."""
        return [resource for resource in self.all if resource.type == kind]

    def with_arn(self, kind: str, arn: object) -> Resource | None:
        """Return the one of a type that has an ARN; None if the stack does not manage it."""
        return next((found for found in self.of(kind) if arn and found.values.get("arn") == arn), None)


def rule(source: str) -> Callable[[Rule], Rule]:
    """Register a function as a rule.

    Args:
        source: The URL of the page where AWS says so.
    """

    def register(check: Rule) -> Rule:
        _RULES.append((source, check))
        return check

    return register


def refusals(resources: Iterable[Resource]) -> list[Refusal]:
    """Return what AWS would refuse of these resources, as far as the registered rules tell."""
    looked_at = Resources(list(resources))
    return [
        Refusal(address=resource.address, reason=reason, source=source)
        for source, check in _RULES
        for resource, reason in check(looked_at)
    ]


def statements(policy: object) -> list[Mapping[str, Any]]:
    """Return the statements of a policy document that is JSON text; none of what is no policy."""
    try:
        document = json.loads(str(policy))
    except ValueError:
        return []
    told = document.get("Statement", []) if isinstance(document, dict) else []
    return [each for each in (told if isinstance(told, list) else [told]) if isinstance(each, dict)]


def lets(policy: object, service: str) -> bool:
    """Say whether a policy document lets a service, such as `lambda.amazonaws.com`, do anything at all.

    A topic's policy by default is for everybody, but only in the name of an account: that is no service.
    https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    """
    return any(
        statement.get("Effect") == "Allow"
        and {"*", service} & principals(statement, "Service")
        and "aws:sourceowner" not in str(statement.get("Condition")).lower()
        for statement in statements(policy)
    )


def principals(statement: Mapping[str, Any], kind: str) -> set[str]:
    """Return the principals of one kind, and `*` for everybody."""
    told = statement.get("Principal", {})
    if isinstance(told, str):
        return {told}
    found = told.get(kind, [])
    everybody = {"*"} if "*" in _texts(told.get("AWS", [])) else set()
    return _texts(found) | everybody


def _texts(value: object) -> set[str]:
    return {str(each) for each in value} if isinstance(value, list) else {str(value)}


def blocks(values: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the nested blocks of a resource that have this name."""
    return [block for block in values.get(name) or [] if isinstance(block, dict)]
