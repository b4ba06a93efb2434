"""Permissions: those that the roles of a stack allow, and those that its functions have used."""

from harness.permissions.judge import judge_roles
from harness.permissions.least_privilege import assert_least_privilege, shortcomings
from harness.permissions.suggestion import Suggestion, suggestions
from harness.permissions.verdicts import (
    Grant,
    Missing,
    Outcome,
    Permissions,
    RolePermissions,
    Statement,
    Use,
)

__all__ = [
    "Grant",
    "Missing",
    "Outcome",
    "Permissions",
    "RolePermissions",
    "Statement",
    "Suggestion",
    "Use",
    "assert_least_privilege",
    "judge_roles",
    "shortcomings",
    "suggestions",
]
