"""Test a real Terraform + Lambda system end to end on LocalStack, with no cloud account."""

from harness.assertions import (
    assert_encrypted,
    assert_no_drift,
    assert_nothing_left,
    wait_for_log,
    wait_for_metric,
)
from harness.assertions.encryption import Enforcement, assert_bucket_encrypted
from harness.assertions.permissions import assert_invokable
from harness.base.polling import eventually
from harness.calls.call import Call
from harness.deployment import Deployment
from harness.errors import (
    BackendError,
    CommandError,
    Diagnostic,
    ExpectationError,
    HarnessError,
    MissingToolError,
    NotReachedError,
    NotUpError,
    OutputError,
    PackageError,
    PatternError,
    PolicyError,
    ResourceError,
    ScheduleError,
    SettingsError,
    StateError,
    TargetError,
    TerraformError,
)
from harness.eventbridge.patterns import NearMiss, as_fired, matches, matching, near_misses
from harness.faults import Faults
from harness.hops import Hop, Trace, trace_sent
from harness.resources.function import InvokeResult
from harness.session import deployed, deployed_at
from harness.settings import PackageSettings, Settings
from harness.values import (
    ApiResponse,
    Change,
    Endpoint,
    FiredEvent,
    Outputs,
    Resource,
    Sent,
    StoredObject,
)

__all__ = [
    "ApiResponse",
    "BackendError",
    "Call",
    "Change",
    "CommandError",
    "Deployment",
    "Diagnostic",
    "Endpoint",
    "Enforcement",
    "ExpectationError",
    "Faults",
    "FiredEvent",
    "HarnessError",
    "Hop",
    "InvokeResult",
    "MissingToolError",
    "NearMiss",
    "NotReachedError",
    "NotUpError",
    "OutputError",
    "Outputs",
    "PackageError",
    "PackageSettings",
    "PatternError",
    "PolicyError",
    "Resource",
    "ResourceError",
    "ScheduleError",
    "Sent",
    "Settings",
    "SettingsError",
    "StateError",
    "StoredObject",
    "TargetError",
    "TerraformError",
    "Trace",
    "as_fired",
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
    "trace_sent",
    "wait_for_log",
    "wait_for_metric",
]
