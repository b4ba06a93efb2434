"""Test a real Terraform + Lambda system end to end on LocalStack, with no cloud account."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.aws.eventbridge.expressions import timetable
    from harness.aws.eventbridge.patterns import matches, matching, near_misses
    from harness.backends import started
    from harness.base.polling import eventually
    from harness.errors import (
        BackendError,
        ExpectationError,
        HarnessError,
        NotReachedError,
        SettingsError,
        TerraformError,
    )
    from harness.permissions import assert_least_privilege
    from harness.session import deployed, deployed_at
    from harness.settings import Settings
    from harness.stack.assertions import assert_encrypted, assert_no_drift, assert_nothing_left
    from harness.stack.assertions.encryption import assert_bucket_encrypted
    from harness.stack.assertions.permissions import assert_invokable
    from harness.stack.deployment import Deployment
    from harness.stack.faults import Faults
    from harness.terraform.rules import rule
    from harness.values import Endpoint

__all__ = [
    "BackendError",
    "Deployment",
    "Endpoint",
    "ExpectationError",
    "Faults",
    "HarnessError",
    "NotReachedError",
    "Settings",
    "SettingsError",
    "TerraformError",
    "assert_bucket_encrypted",
    "assert_encrypted",
    "assert_invokable",
    "assert_least_privilege",
    "assert_no_drift",
    "assert_nothing_left",
    "deployed",
    "deployed_at",
    "eventually",
    "matches",
    "matching",
    "near_misses",
    "rule",
    "started",
    "timetable",
]

# Each is imported when it is first asked for: a command that shows the stack needs no assertions.
_HOMES = {
    "BackendError": "harness.errors",
    "Deployment": "harness.stack.deployment",
    "Endpoint": "harness.values",
    "ExpectationError": "harness.errors",
    "Faults": "harness.stack.faults",
    "HarnessError": "harness.errors",
    "NotReachedError": "harness.errors",
    "Settings": "harness.settings",
    "SettingsError": "harness.errors",
    "TerraformError": "harness.errors",
    "assert_bucket_encrypted": "harness.stack.assertions.encryption",
    "assert_encrypted": "harness.stack.assertions",
    "assert_invokable": "harness.stack.assertions.permissions",
    "assert_least_privilege": "harness.permissions",
    "assert_no_drift": "harness.stack.assertions",
    "assert_nothing_left": "harness.stack.assertions",
    "deployed": "harness.session",
    "deployed_at": "harness.session",
    "eventually": "harness.base.polling",
    "matches": "harness.aws.eventbridge.patterns",
    "matching": "harness.aws.eventbridge.patterns",
    "near_misses": "harness.aws.eventbridge.patterns",
    "rule": "harness.terraform.rules",
    "started": "harness.backends",
    "timetable": "harness.aws.eventbridge.expressions",
}


def __getattr__(name: str) -> object:
    """Import a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found
