"""Test a real Terraform + Lambda system end to end on LocalStack, with no cloud account."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.assertions import assert_encrypted, assert_no_drift, assert_nothing_left
    from harness.assertions.encryption import assert_bucket_encrypted
    from harness.assertions.permissions import assert_invokable
    from harness.backends import started
    from harness.base.polling import eventually
    from harness.deployment import Deployment
    from harness.errors import (
        BackendError,
        ExpectationError,
        HarnessError,
        NotReachedError,
        SettingsError,
        TerraformError,
    )
    from harness.eventbridge.expressions import timetable
    from harness.eventbridge.patterns import matches, matching, near_misses
    from harness.faults import Faults
    from harness.permissions import assert_least_privilege
    from harness.rules import rule
    from harness.session import deployed, deployed_at
    from harness.settings import Settings
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
    "Deployment": "harness.deployment",
    "Endpoint": "harness.values",
    "ExpectationError": "harness.errors",
    "Faults": "harness.faults",
    "HarnessError": "harness.errors",
    "NotReachedError": "harness.errors",
    "Settings": "harness.settings",
    "SettingsError": "harness.errors",
    "TerraformError": "harness.errors",
    "assert_bucket_encrypted": "harness.assertions.encryption",
    "assert_encrypted": "harness.assertions",
    "assert_invokable": "harness.assertions.permissions",
    "assert_least_privilege": "harness.permissions",
    "assert_no_drift": "harness.assertions",
    "assert_nothing_left": "harness.assertions",
    "deployed": "harness.session",
    "deployed_at": "harness.session",
    "eventually": "harness.base.polling",
    "matches": "harness.eventbridge.patterns",
    "matching": "harness.eventbridge.patterns",
    "near_misses": "harness.eventbridge.patterns",
    "rule": "harness.rules",
    "started": "harness.backends",
    "timetable": "harness.eventbridge.expressions",
}


def __getattr__(name: str) -> object:
    """Import a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found
