"""Permissions as a table for a terminal, with suggested changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.permissions.least_privilege import findings
from harness.permissions.suggestion import is_wider, suggestions
from harness.permissions.verdicts import Outcome, Use

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.permissions.verdicts import Permissions, RolePermissions

_COLUMNS = ("Allowed", "Used", "Unused", "Too wide", "Unknown", "Missing")


def lines(permissions: Permissions) -> list[str]:
    """Return a table with a row per role, followed by the findings about each role."""
    judged = [each for each in permissions.roles if each.functions]
    report = _table(judged)
    for role in judged:
        report += _details(role, permissions.patterns)
    others = len(permissions.roles) - len(judged)
    if others:
        report += ["", f"{others} more of no function: the request log can't show their use"]
    return report


def _table(roles: list[RolePermissions]) -> list[str]:
    width = max([len("Role"), *(len(each.address) for each in roles)])
    head = f"{'Role':<{width}}" + "".join(f"{name:>10}" for name in _COLUMNS)
    return [head, "-" * len(head), *(f"{each.address:<{width}}{_figures(each)}" for each in roles)]


def _figures(role: RolePermissions) -> str:
    grants = [grant for statement in role.statements for grant in statement.grants]
    known = sum(each.outcome is not Outcome.UNKNOWN for each in role.missing)
    wider = sum(map(is_wider, grants))
    numbers = (
        len(grants),
        role.count(Use.USED),
        role.count(Use.UNUSED),
        wider,
        role.count(Use.UNKNOWN),
        known,
    )
    return "".join(f"{number:>10}" for number in numbers)


def _details(role: RolePermissions, patterns: Iterable[str]) -> list[str]:
    report = [*(f"  {each}" for each in findings(role)), *(f"  note      {note}" for note in role.notes)]
    for each in suggestions(role, patterns):
        report += ["", *(f"  {line}" for line in each.diff())]
    if not report:
        return []
    functions = ", ".join(role.functions)
    place = f" ({role.file}:{role.line})" if role.file else ""
    return ["", f"{role.address}{place}, of {functions}", *report]
