"""Suggest a policy with the used permissions and no others."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from harness.permissions.verdicts import Use
from harness.stack.assertions.policies import like

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.permissions.verdicts import Grant, RolePermissions, Statement

type Document = Mapping[str, Any]
type Pair = tuple[str, str]

_WILD = re.compile(r"[*?]")
_DIGIT = re.compile(r"\d")
_RUN = "log-stream:any"  # stands for a function's streams in needs


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A policy, and its suggested replacement.

    Attributes:
        policy: The address of its resource.
        statements: Its statements that allow something, as they are.
        suggested: The suggested statements.
    """

    policy: str
    statements: tuple[Document, ...]
    suggested: tuple[Document, ...]

    def diff(self) -> list[str]:
        """Return the lines of a unified diff between the two, as JSON."""
        before, after = (
            json.dumps(list(documents), indent=2).splitlines()
            for documents in (self.statements, self.suggested)
        )
        return list(difflib.unified_diff(before, after, self.policy, "suggested", lineterm=""))


def suggestions(role: RolePermissions, patterns: Iterable[str]) -> list[Suggestion]:
    """Return suggested replacements for a role's policies, without those that need no change.

    Unused permissions are removed, and those that allow more than was used are narrowed. Permissions that
    could not be judged stay.

    Args:
        role: The role.
        patterns: The resources that statements of the stack name: of those the narrowest is taken.
    """
    known = sorted({each for each in patterns if not is_wide(each)})
    found = []
    for policy in dict.fromkeys(each.policy for each in role.statements):
        if policy.startswith("arn:"):  # AWS's own
            continue
        held = [each for each in role.statements if each.policy == policy]
        before = tuple(each.document for each in held)
        after = tuple(part for each in held for part in _narrowed(each, known))
        if before != after:
            found.append(Suggestion(policy, before, after))
    return found


def is_wider(grant: Grant) -> bool:
    """Return whether a permission allows more than was used, with a wildcard for everything of a kind."""
    return grant.use is Use.USED and bool(_WILD.search(grant.action) or is_wide(grant.resource))


def is_wide(resource: str) -> bool:
    """Return whether a pattern covers all resources of a kind, with a wildcard where the name begins."""
    if resource == "*":
        return True
    if not resource.startswith("arn:") or resource.count(":") < 5:  # noqa: PLR2004 - an ARN's parts
        return bool(_WILD.search(resource))
    service, name = resource.split(":")[2], resource.split(":", 5)[5]
    if service == "s3":
        bucket, _, key = name.partition("/")
        return bool(_WILD.search(bucket)) or key == "*"
    own = re.split(r"[:/]", name, maxsplit=1)[-1]
    return own.startswith(("*", "?")) or name.startswith("*")


def _narrowed(statement: Statement, known: Sequence[str]) -> Iterator[Document]:
    """Yield a statement as it could be: itself, less, several, or nothing."""
    pairs = {pair for grant in statement.grants for pair in _pairs(grant, known)}
    if pairs == {(each.action, each.resource) for each in statement.grants}:
        yield statement.document
        return
    by_resource = {resource: sorted({a for a, r in pairs if r == resource}) for _, resource in pairs}
    groups = sorted({tuple(actions) for actions in by_resource.values()})
    for number, actions in enumerate(groups, 1):
        resources = sorted(each for each, held in by_resource.items() if tuple(held) == actions)
        ending = str(number) if number > 1 else ""
        document = dict(statement.document)
        if document.get("Sid"):
            document["Sid"] = f"{document['Sid']}{ending}"
        yield {**document, "Action": _one_or_all(actions), "Resource": _one_or_all(resources)}


def _pairs(grant: Grant, known: Sequence[str]) -> set[Pair]:
    """Return the actions and resources that a permission could be for."""
    if grant.use is Use.UNUSED:
        return set()
    if not is_wider(grant) or not grant.uses:
        return {(grant.action, grant.resource)}
    resources = _resources(grant, known)
    is_wild = bool(_WILD.search(grant.action))
    return {
        (action if is_wild else grant.action, resources.get(used, grant.resource))
        for action, used in grant.uses
    }


def _resources(grant: Grant, known: Sequence[str]) -> dict[str, str]:
    """Return a narrower pattern for each resource that a wide permission was used for."""
    if not is_wide(grant.resource):
        return {}
    used = sorted({resource for _, resource in grant.uses if resource != "*"})
    return {each: _known_for(each, known) or _generalized(each, used) for each in used}


def _known_for(resource: str, known: Sequence[str]) -> str:
    """Return the narrowest of the patterns that stand in the stack already."""
    fitting = [each for each in known if _covers(each, resource)]
    return max(fitting, key=lambda each: (len(_WILD.split(each)[0]), -len(each)), default="")


def _covers(pattern: str, resource: str) -> bool:
    return "${" not in pattern and like(resource, pattern)


def _generalized(resource: str, used: Sequence[str]) -> str:
    """Return a pattern for resources like this one: objects below a prefix, executions, a log's streams."""
    if resource.endswith(_RUN):
        return resource.replace(_RUN, "*")
    if ":execution:" in resource:
        return f"{resource.rpartition(':')[0]}:*"
    bucket, slash, key = resource.partition("/")
    if ":s3:" not in bucket or not slash:
        return resource
    folder, inner, _ = key.rpartition("/")
    if inner:
        return f"{bucket}/{folder.partition('/')[0]}/*"
    start = re.split(r"[._-]", key)[0]
    like = [
        each for each in used if each.startswith(f"{bucket}/{start}") and "/" not in each[len(bucket) + 1 :]
    ]
    common = "".join(
        chars[0] for chars in takewhile(lambda each: len(set(each)) == 1, zip(*like, strict=False))
    )
    cut = _DIGIT.split(common[len(bucket) + 1 :])[0]
    return resource if f"{bucket}/{cut}" == resource else f"{bucket}/{cut}*"


def _one_or_all(values: Sequence[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)
