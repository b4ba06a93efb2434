"""Test a real Terraform + Lambda system end to end on LocalStack, with no cloud account."""

from harness.assertions import assert_encrypted, assert_latest, assert_no_drift
from harness.deployment import Deployment
from harness.errors import (
    BackendError,
    CommandError,
    ExpectationError,
    HarnessError,
    MissingToolError,
    NotReachedError,
    OutputError,
    PackageError,
    SettingsError,
    TerraformError,
)
from harness.polling import eventually
from harness.scenario import Scenario
from harness.session import deployed, deployed_at
from harness.settings import PackageSettings, Settings
from harness.types import (
    ApiResponse,
    Change,
    Diagnostic,
    Endpoint,
    FiredEvent,
    Outputs,
    Resource,
    StoredObject,
    System,
)

__all__ = [
    "ApiResponse",
    "BackendError",
    "Change",
    "CommandError",
    "Deployment",
    "Diagnostic",
    "Endpoint",
    "ExpectationError",
    "FiredEvent",
    "HarnessError",
    "MissingToolError",
    "NotReachedError",
    "OutputError",
    "Outputs",
    "PackageError",
    "PackageSettings",
    "Resource",
    "Scenario",
    "Settings",
    "SettingsError",
    "StoredObject",
    "System",
    "TerraformError",
    "assert_encrypted",
    "assert_latest",
    "assert_no_drift",
    "deployed",
    "deployed_at",
    "eventually",
]
