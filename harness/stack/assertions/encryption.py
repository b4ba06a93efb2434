"""Encryption of a bucket that nobody gets round."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from harness.aws import clients
from harness.errors import ExpectationError
from harness.stack.assertions import assert_encrypted
from harness.stack.assertions.expect import expect, retry_until_passes
from harness.stack.assertions.policies import Request, denied_by, statement_id, statements
from harness.values import StoredObject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.stack.assertions.policies import Policy
    from harness.stack.deployment import Deployment

_ENCRYPTION = "s3:x-amz-server-side-encryption"
_KEY = "s3:x-amz-server-side-encryption-aws-kms-key-id"
_SAFE: Mapping[str, str] = {  # so that statements about the connection or about overwriting do not apply
    "aws:SecureTransport": "true",
    "s3:TlsVersion": "1.3",
    "s3:if-none-match": "*",
}
_NO_KEY = "00000000-0000-0000-0000-000000000000"


class Enforcement(StrEnum):
    """How a rule is known to hold: the backend enforces it, or a policy declares it and nobody tried it."""

    DECLARED = "declared"
    ENFORCED = "enforced"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Other:
    """A way to encrypt an object otherwise: in words, as headers and as a policy's condition keys."""

    what: str
    headers: Mapping[str, str]
    context: Mapping[str, str]


def assert_bucket_encrypted(
    deployment: Deployment, bucket: str, *, key_arn: str, timeout: float = 5.0
) -> Enforcement:
    """Check that a bucket can hold only objects that are encrypted under exactly `key_arn`.

    It checks three things. The bucket's default is SSE-KMS under the key, with a bucket key. An object
    without an encryption header is encrypted so. An object with AES256 or another KMS key is refused. If the
    backend does not refuse such an object, the bucket's policy is judged instead. All test objects are
    removed again.

    Args:
        deployment: The stack. Its credentials must belong to somebody who is bound by bucket policies.
        bucket: The bucket's name.
        key_arn: The ARN of the KMS key.
        timeout: Seconds that a new configuration may take to hold.

    Returns:
        `enforced` if the backend refused all of them, else `declared`.

    Raises:
        ExpectationError: A check failed.
        PolicyError: The policy has a part that cannot be judged here.
    """
    s3 = deployment.client("s3")

    def check() -> Enforcement:
        _check_default(s3, bucket, key_arn)
        _check_plain_put(s3, bucket, key_arn)
        found = {_refusal(s3, bucket, key_arn, other) for other in _others(key_arn)}
        return Enforcement.DECLARED if Enforcement.DECLARED in found else Enforcement.ENFORCED

    return retry_until_passes(check, timeout=timeout)


def _check_default(s3: Any, bucket: str, key_arn: str) -> None:  # noqa: ANN401 - a boto3 client
    rules = _encryption_rules(s3, bucket)
    defaults = [rule.get("ApplyServerSideEncryptionByDefault", {}) for rule in rules]
    got = [
        (default.get("SSEAlgorithm"), default.get("KMSMasterKeyID"), rule.get("BucketKeyEnabled", False))
        for default, rule in zip(defaults, rules, strict=True)
    ]
    expect(f"default encryption of {bucket} (algorithm, key, bucket key)", [("aws:kms", key_arn, True)], got)


def _encryption_rules(s3: Any, bucket: str) -> list[dict[str, Any]]:  # noqa: ANN401 - a boto3 client
    try:
        found = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    except clients.FAILURES as problem:
        if _code(problem) != "ServerSideEncryptionConfigurationNotFoundError":
            raise
        return []
    return list(found)


def _check_plain_put(s3: Any, bucket: str, key_arn: str) -> None:  # noqa: ANN401 - as above
    """Put an object without an encryption header, and check its encryption."""
    with _probe(s3, bucket) as key:
        if problem := _failure_of_put(s3, bucket, key):
            raise ExpectationError(
                f"put into {bucket} without a header", expected="success", got=str(problem)
            )
        head = s3.head_object(Bucket=bucket, Key=key)
    stored = StoredObject(
        key=key,
        body=b"",
        etag=head["ETag"],
        encryption=head.get("ServerSideEncryption", ""),
        kms_key=head.get("SSEKMSKeyId", ""),
    )
    assert_encrypted(stored, key_arn=key_arn)


def _others(key_arn: str) -> list[_Other]:
    """Return the encryptions that must be refused: S3's own key, and a KMS key that is not ours."""
    other_key = f"{key_arn.rpartition('/')[0]}/{_NO_KEY}"
    return [
        _Other(what="AES256", headers={"ServerSideEncryption": "AES256"}, context={_ENCRYPTION: "AES256"}),
        _Other(
            what="another KMS key",
            headers={"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": other_key},
            context={_ENCRYPTION: "aws:kms", _KEY: other_key},
        ),
    ]


def _refusal(s3: Any, bucket: str, key_arn: str, other: _Other) -> Enforcement:  # noqa: ANN401 - as above
    """Try a forbidden encryption. If the backend accepts it, check whether the policy denies it."""
    with _probe(s3, bucket) as key:
        problem = _failure_of_put(s3, bucket, key, **other.headers)
    if problem and not _is_of_the_key(problem):
        if _code(problem) != "AccessDenied":
            raise problem
        return Enforcement.ENFORCED
    policy = _bucket_policy(s3, bucket)
    put = Request(
        action="s3:PutObject", resource=f"arn:{key_arn.split(':')[1]}:s3:::{bucket}/{key}", context=_SAFE
    )
    expect(f"statement of {bucket}'s policy that denies a put without a header", "", denied_by(policy, put))
    if not denied_by(policy, replace(put, context={**_SAFE, **other.context})):
        statement_ids = [statement_id(statement) for statement in statements(policy)] or "no policy"
        raise ExpectationError(f"put into {bucket} with {other.what}", expected="a denial", got=statement_ids)
    return Enforcement.DECLARED


@contextmanager
def _probe(s3: Any, bucket: str) -> Iterator[str]:  # noqa: ANN401 - a boto3 client
    """Yield the key of an object that does not exist, and remove every version of it at the end."""
    key = f"harness-probe-{uuid4().hex}"
    try:
        yield key
    finally:
        found = s3.list_object_versions(Bucket=bucket, Prefix=key)
        for entry in (*found.get("Versions", []), *found.get("DeleteMarkers", [])):
            s3.delete_object(Bucket=bucket, Key=entry["Key"], VersionId=entry["VersionId"])


def _failure_of_put(s3: Any, bucket: str, key: str, **headers: str) -> Exception | None:  # noqa: ANN401 - as above
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=b"", IfNoneMatch="*", **headers)
    except clients.FAILURES as problem:
        return problem
    return None


def _is_of_the_key(problem: Exception) -> bool:
    """Return whether KMS failed. If so, S3 asked KMS, and would have accepted the object."""
    return _code(problem).startswith("KMS.") or "kms:" in str(problem)


def _code(problem: Exception) -> str:
    response: dict[str, Any] = getattr(problem, "response", {})
    return str(response.get("Error", {}).get("Code", ""))


def _bucket_policy(s3: Any, bucket: str) -> Policy:  # noqa: ANN401 - a boto3 client
    try:
        policy: Policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    except clients.FAILURES as problem:
        if _code(problem) != "NoSuchBucketPolicy":
            raise
        return {}
    return policy
