"""Violations of least privilege in the roles of a stack: permissions unused, too wide, or missing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from harness.permissions.judge import judge_stack
from harness.permissions.suggestion import is_wider
from harness.permissions.verdicts import Outcome, Use
from harness.stack.assertions.expect import expect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.permissions.verdicts import Grant, RolePermissions, Statement
    from harness.stack.deployment import Deployment

type Kind = Literal["unused", "too wide", "unknown", "missing"]

_MOST_ALIKE = 3
_OUTCOMES: Mapping[Outcome, str] = {
    Outcome.DENIED: "denied",
    Outcome.NOT_ALLOWED: "would be denied on AWS",
    Outcome.UNKNOWN: "not allowed by the role; unknown",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something to see of a role.

    Attributes:
        kind: Its kind.
        what: The place and the finding.
        is_certain: Whether it is known to keep the role from least privilege.
    """

    kind: Kind
    what: str
    is_certain: bool = True

    def __str__(self) -> str:
        """Return it as a line."""
        return f"{self.kind:<8}  {self.what}"


def assert_least_privilege(stack: Deployment, *, since: float = 0.0) -> None:
    """Check that the roles of a stack's functions allow everything that was needed so far, and no more.

    ```python
    from harness.permissions import assert_least_privilege


    def test_the_roles_allow_what_is_needed_and_no_more(stack):
        stack.fire(source="greeter", detail_type="Greeting requested", detail={"name": "Ada"})
        stack.bucket().wait_for("greetings/Ada.txt")

        assert_least_privilege(stack)
    ```

    Args:
        stack: The stack.
        since: Count only calls from that moment on, in seconds since the epoch. By default, all calls in the
            log.

    Raises:
        BackendError: The backend keeps no request log.
        ExpectationError: A permission is unused, too wide or missing, or a role could not be judged at all.
            The error lists all findings.
    """
    found = shortcomings(judge_stack(stack, since=since))
    expect("permissions that are unused, too wide or missing", [], found)


def shortcomings(roles: Iterable[RolePermissions]) -> list[str]:
    """Return the certain violations of least privilege by roles of functions, one line each."""
    return [
        f"{role.address}: {finding}"
        for role in roles
        if role.functions
        for finding in findings(role)
        if finding.is_certain
    ]


def findings(role: RolePermissions) -> Iterator[Finding]:
    """Yield the findings about a role."""
    yield from _allowed(role)
    yield from _missing(role)
    if role.statements and role.count(Use.UNKNOWN) == sum(len(each.grants) for each in role.statements):
        yield Finding(kind="unknown", what="; ".join(["nothing of it could be judged", *role.notes]))


def _allowed(role: RolePermissions) -> Iterator[Finding]:
    for statement in role.statements:
        is_own = not statement.policy.startswith("arn:")  # AWS's can't be narrowed
        for grant in statement.grants:
            what = f"{_place(statement)}: {_allows(statement, grant)}"
            if grant.use is Use.UNUSED:
                yield Finding(kind="unused", what=what, is_certain=is_own)
            elif grant.use is Use.UNKNOWN:
                yield Finding(kind="unknown", what=f"{what} ({grant.why})", is_certain=False)
            elif is_wider(grant):
                used = ", ".join(sorted({action for action, _ in grant.uses}))
                yield Finding(kind="too wide", what=f"{what} (used: {used})", is_certain=is_own)


def _place(statement: Statement) -> str:
    return f"{statement.file}:{statement.line}" if statement.file else statement.policy


def _allows(statement: Statement, grant: Grant) -> str:
    return f"{statement.name}: {grant.action or 'all but'} on {grant.resource or 'what it names'}"


def _missing(role: RolePermissions) -> Iterator[Finding]:
    """Yield the missing permissions, with few findings for an action that is missing on many resources."""
    for (action, outcome), alike in groupby(role.missing, key=lambda each: (each.action, each.outcome)):
        each_one, is_certain = list(alike), outcome is not Outcome.UNKNOWN
        for each in each_one[:_MOST_ALIKE]:
            what = f"{action} on {each.resource}: {_OUTCOMES[outcome]} ({each.why})"
            yield Finding(kind="missing", what=what, is_certain=is_certain)
        if len(each_one) > _MOST_ALIKE:
            what = f"{action} on {len(each_one) - _MOST_ALIKE} more: {_OUTCOMES[outcome]}"
            yield Finding(kind="missing", what=what, is_certain=is_certain)
