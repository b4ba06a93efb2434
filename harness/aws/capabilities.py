"""Probe the capabilities of a backend. They depend on its version and its settings."""

from __future__ import annotations

import functools
import io
import json
import zipfile
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from harness.aws import clients
from harness.base.polling import eventually
from harness.errors import NotReachedError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.values import Endpoint

_REFUSED = frozenset({"AccessDenied", "AccessDeniedException"})
_REFUSED_BY_EXECUTOR = "can't run without Docker"
_REGIONS = ("eu-west-1", "eu-central-1")
PROBE = "probe-"  # begins the names of resources that the probes create
_REPLICATED = 3.0  # seconds
_EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def missing(endpoint: Endpoint, names: Iterable[str]) -> list[str]:
    """Return a reason for each capability in `names` that `endpoint` lacks. Real AWS lacks none.

    Raises:
        SettingsError: One of the names is not known.
    """
    reasons = {name: _reason(endpoint, name) for name in names}
    return [f"backend {endpoint.backend} {reason}" for reason in reasons.values() if reason]


@cache
def _reason(endpoint: Endpoint, name: str) -> str:
    if name not in PROBES:
        raise SettingsError("requires()", expected=f"one of {', '.join(sorted(PROBES))}", got=name)
    return "" if endpoint.is_aws else PROBES[name](endpoint)


def _iam_enforcement(endpoint: Endpoint) -> str:
    """Try a call that a user without any policy must not make."""
    with ExitStack() as cleanup:
        nobody = _user(endpoint, cleanup)
        if _is_refused(clients.client(nobody, "sqs").list_queues):
            return ""
    return "lets a user without policies do anything: IAM is not enforced"


def _bucket_policy_enforcement(endpoint: Endpoint) -> str:
    """Try a call that a bucket's policy denies to a user with all other permissions."""
    with ExitStack() as cleanup:
        user = _user(endpoint, cleanup, _EVERYTHING)
        s3, bucket = clients.client(endpoint, "s3"), f"{PROBE}{uuid4().hex[:12]}"
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": endpoint.region})
        cleanup.callback(s3.delete_bucket, Bucket=bucket)
        denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:ListBucket"}
        policy = _document({**denied, "Resource": f"arn:aws:s3:::{bucket}"})
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)
        cleanup.callback(s3.delete_bucket_policy, Bucket=bucket)
        if _is_refused(clients.client(user, "s3").list_objects_v2, Bucket=bucket):
            return ""
    return "lets anyone do what a bucket's policy denies: bucket policies are not enforced"


def _process_executor(endpoint: Endpoint) -> str:
    """Create a function of a runtime that the executor refuses in its own words."""
    functions, name = clients.client(endpoint, "lambda"), f"{PROBE}{uuid4().hex[:12]}"
    with ExitStack() as cleanup:
        try:
            functions.create_function(
                FunctionName=name,
                Runtime="java21",
                Handler="example.Handler",
                Role=_role(endpoint, cleanup),
                Code={"ZipFile": _archive("Handler.class", "")},
            )
        except clients.FAILURES as problem:
            if _REFUSED_BY_EXECUTOR not in str(problem):
                raise
            return ""
        cleanup.callback(functions.delete_function, FunctionName=name)
    return "does not run functions on the executor `process`"


def _s3_replication(endpoint: Endpoint) -> str:
    """Put an object that a rule copies to a bucket in another region."""
    with ExitStack() as cleanup:
        s3 = clients.client(endpoint, "s3")
        elsewhere = next(region for region in _REGIONS if region != endpoint.region)
        source = _versioned_bucket(endpoint, cleanup)
        copies = _versioned_bucket(replace(endpoint, region=elsewhere), cleanup)
        rule = {
            "Status": "Enabled",
            "Priority": 1,
            "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": {"Bucket": f"arn:aws:s3:::{copies}"},
        }
        s3.put_bucket_replication(
            Bucket=source, ReplicationConfiguration={"Role": _role(endpoint, cleanup), "Rules": [rule]}
        )
        s3.put_object(Bucket=source, Key="probe", Body=b"probe")
        there = clients.client(replace(endpoint, region=elsewhere), "s3")
        held = functools.partial(there.list_objects_v2, Bucket=copies)
        try:
            eventually(held, until=lambda listed: listed["KeyCount"], what="a replica", timeout=_REPLICATED)
        except NotReachedError:
            return "stores rules of replication and copies nothing"
    return ""


PROBES: Mapping[str, Callable[[Endpoint], str]] = {
    "bucket_policy_enforcement": _bucket_policy_enforcement,
    "iam_enforcement": _iam_enforcement,
    "process_executor": _process_executor,
    "s3_replication": _s3_replication,
}


def _user(endpoint: Endpoint, cleanup: ExitStack, *statements: Mapping[str, object]) -> Endpoint:
    """Return `endpoint` as a new user sees it, whose policy has just these statements."""
    iam, name = clients.client(endpoint, "iam"), f"{PROBE}{uuid4().hex[:12]}"
    iam.create_user(UserName=name)
    cleanup.callback(iam.delete_user, UserName=name)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="probe", PolicyDocument=_document(*statements))
        cleanup.callback(iam.delete_user_policy, UserName=name, PolicyName="probe")
    key = iam.create_access_key(UserName=name)["AccessKey"]
    cleanup.callback(iam.delete_access_key, UserName=name, AccessKeyId=key["AccessKeyId"])
    return replace(endpoint, access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"])


def _versioned_bucket(endpoint: Endpoint, cleanup: ExitStack) -> str:
    s3, bucket = clients.client(endpoint, "s3"), f"{PROBE}{uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": endpoint.region})
    cleanup.callback(s3.delete_bucket, Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    cleanup.callback(_empty, endpoint, bucket)
    return bucket


def _empty(endpoint: Endpoint, bucket: str) -> None:
    s3 = clients.client(endpoint, "s3")
    for held in s3.list_object_versions(Bucket=bucket).get("Versions", ()):
        s3.delete_object(Bucket=bucket, Key=held["Key"], VersionId=held["VersionId"])


def _role(endpoint: Endpoint, cleanup: ExitStack) -> str:
    iam, name = clients.client(endpoint, "iam"), f"{PROBE}{uuid4().hex[:12]}"
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"},
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))["Role"]
    cleanup.callback(iam.delete_role, RoleName=name)
    return str(role["Arn"])


def _document(*statements: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _is_refused(call: Callable[..., Any], **arguments: object) -> bool:
    try:
        call(**arguments)
    except clients.FAILURES as problem:
        response: dict[str, Any] = getattr(problem, "response", {})
        if response.get("Error", {}).get("Code") not in _REFUSED:
            raise
        return True
    return False


def _archive(name: str, text: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as opened:
        opened.writestr(name, text)
    return data.getvalue()
