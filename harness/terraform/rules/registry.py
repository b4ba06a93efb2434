"""Rules, their registry, and the resources that they check."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from harness.values import Resource

type Broken = tuple[Resource, str]
type Rule = Callable[[Resources], Iterator[Broken]]

_RULES: list[tuple[str, Rule]] = []
_INSTANCE = re.compile(r'\[(?:\d+|"[^"]*")\]')  # the index in an address, of a resource or of its module


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something that AWS would not take, or would not let in, although the emulator did.

    Attributes:
        address: The resource's address in Terraform.
        reason: AWS's requirement, and the violation.
        source: The URL of the page in AWS's documentation.
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
        """Return the resources of a type."""
        return [resource for resource in self.all if resource.type == kind]

    def with_arn(self, kind: str, arn: object) -> Resource | None:
        """Return the resource of a type with this ARN, or None if the stack does not manage it."""
        return next((found for found in self.of(kind) if arn and found.values.get("arn") == arn), None)


def rule(source: str) -> Callable[[Rule], Rule]:
    """Register a function as a rule.

    Args:
        source: The URL of the page in AWS's documentation.
    """

    def register(check: Rule) -> Rule:
        _RULES.append((source, check))
        return check

    return register


def refusals(resources: Iterable[Resource]) -> list[Refusal]:
    """Return everything that AWS would refuse in these resources, according to the registered rules."""
    looked_at = Resources(list(resources))
    return [
        Refusal(address=resource.address, reason=reason, source=source)
        for source, check in _RULES
        for resource, reason in check(looked_at)
    ]


def lines_of(found: Iterable[Refusal]) -> list[str]:
    """Return refusals as a person reads them. Instances of one resource that break one rule share a line."""
    alike: dict[tuple[str, str], list[Refusal]] = {}
    for refusal in found:
        alike.setdefault((_INSTANCE.sub("", refusal.address), refusal.source), []).append(refusal)
    return [f"{same[0]}{_others(len(same) - 1)}" for same in alike.values()]


def _others(count: int) -> str:
    return f", and {count} more of its instances" if count else ""


def statements(policy: object) -> list[Mapping[str, Any]]:
    """Return the statements of a policy document in JSON, or none if it is not a policy."""
    try:
        document = json.loads(str(policy))
    except ValueError:
        return []
    found = document.get("Statement", []) if isinstance(document, dict) else []
    return [each for each in (found if isinstance(found, list) else [found]) if isinstance(each, dict)]


def lets(policy: object, service: str) -> bool:
    """Return whether a policy document allows a service, such as `lambda.amazonaws.com`, anything at all.

    A topic's default policy allows everybody, but only on behalf of an account, which no service is.
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
    principal = statement.get("Principal", {})
    if isinstance(principal, str):
        return {principal}
    found = principal.get(kind, [])
    everybody = {"*"} if "*" in texts(principal.get("AWS", [])) else set()
    return texts(found) | everybody


def texts(value: object) -> set[str]:
    """Return the texts of an element of a policy, which is a text or a list of them."""
    return {str(each) for each in value} if isinstance(value, list) else {str(value)}


def blocks(values: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the nested blocks of a resource that have this name."""
    return [block for block in values.get(name) or [] if isinstance(block, dict)]
