"""Test a real Terraform + Lambda system end to end on LocalStack, with no cloud account."""

from harness.assertions import assert_encrypted, assert_no_drift, assert_nothing_left
from harness.assertions.encryption import assert_bucket_encrypted
from harness.assertions.permissions import assert_invokable
from harness.base.polling import eventually
from harness.deployment import Deployment
from harness.errors import (
    BackendError,
    ExpectationError,
    HarnessError,
    NotReachedError,
    ResourceError,
    SettingsError,
    TerraformError,
)
from harness.eventbridge.expressions import timetable
from harness.eventbridge.patterns import matches, matching, near_misses
from harness.faults import Faults
from harness.session import deployed, deployed_at
from harness.settings import Settings
from harness.values import Endpoint, FiredEvent, StoredObject

__all__ = [
    "BackendError",
    "Deployment",
    "Endpoint",
    "ExpectationError",
    "Faults",
    "FiredEvent",
    "HarnessError",
    "NotReachedError",
    "ResourceError",
    "Settings",
    "SettingsError",
    "StoredObject",
    "TerraformError",
    "assert_bucket_encrypted",
    "assert_encrypted",
    "assert_invokable",
    "assert_no_drift",
    "assert_nothing_left",
    "deployed",
    "deployed_at",
    "eventually",
    "matches",
    "matching",
    "near_misses",
    "timetable",
]
