from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from harness import ExpectationError
from harness.stack.assertions.encryption import Enforcement, assert_bucket_encrypted

if TYPE_CHECKING:
    from harness import Deployment

BUCKET = "mine"
KEY = "arn:aws:kms:eu-north-1:123456789012:key/11111111-2222-3333-4444-555555555555"
HEADER = "s3:x-amz-server-side-encryption"


def deny(**conditions: dict[str, Any]) -> dict[str, Any]:
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject"}
    return {**denied, "Resource": f"arn:aws:s3:::{BUCKET}/*", "Condition": conditions}


OTHER_ALGORITHMS = deny(Null={HEADER: "false"}, StringNotEquals={HEADER: "aws:kms"})
OTHER_KEYS = deny(
    Null={f"{HEADER}-aws-kms-key-id": "false"}, StringNotEquals={f"{HEADER}-aws-kms-key-id": KEY}
)


def error(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Some")


@dataclass
class Bucket:
    """A bucket in memory with `refusals` by algorithm. The algorithm "" is a put that names none."""

    algorithm: str = "aws:kms"
    bucket_key: bool = True
    has_default: bool = True
    statements: list[dict[str, Any]] = field(default_factory=list)
    refusals: dict[str, ClientError] = field(default_factory=dict)
    objects: dict[str, dict[str, str]] = field(default_factory=dict)

    def client(self, service: str) -> Bucket:
        assert service == "s3"
        return self

    def get_bucket_encryption(self, **_: str) -> dict[str, Any]:
        if not self.has_default:
            raise error("ServerSideEncryptionConfigurationNotFoundError")
        default = {"SSEAlgorithm": self.algorithm, "KMSMasterKeyID": KEY}
        rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": self.bucket_key}
        return {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}

    def get_bucket_policy(self, **_: str) -> dict[str, str]:
        if not self.statements:
            raise error("NoSuchBucketPolicy")
        return {"Policy": json.dumps({"Statement": self.statements})}

    def put_object(self, **given: Any) -> None:  # noqa: ANN401 - boto3's arguments
        algorithm = given.get("ServerSideEncryption", "")
        if algorithm in self.refusals:
            raise self.refusals[algorithm]
        default = {"ServerSideEncryption": self.algorithm, "SSEKMSKeyId": KEY}
        self.objects[given["Key"]] = {**default, "ETag": '"1"'}

    def head_object(self, **given: str) -> dict[str, str]:
        return self.objects[given["Key"]]

    def list_object_versions(self, **given: str) -> dict[str, Any]:
        versions = [{"Key": key, "VersionId": "1"} for key in self.objects if key.startswith(given["Prefix"])]
        return {"Versions": versions} if versions else {}

    def delete_object(self, **given: str) -> None:
        del self.objects[given["Key"]]


def check(bucket: Bucket) -> Enforcement:
    try:
        return assert_bucket_encrypted(cast("Deployment", bucket), BUCKET, key_arn=KEY, timeout=0)
    finally:
        assert bucket.objects == {}


def test_a_policy_that_denies_both_counter_examples_declares_it() -> None:
    assert check(Bucket(statements=[OTHER_ALGORITHMS, OTHER_KEYS])) is Enforcement.DECLARED


def test_what_s3_refuses_is_enforced_whatever_the_policy_says() -> None:
    refusals = {"AES256": error("AccessDenied"), "aws:kms": error("AccessDenied")}

    assert check(Bucket(refusals=refusals)) is Enforcement.ENFORCED


def test_one_refusal_of_two_is_declared_if_the_policy_says_the_other() -> None:
    bucket = Bucket(statements=[OTHER_KEYS], refusals={"AES256": error("AccessDenied")})

    assert check(bucket) is Enforcement.DECLARED


@pytest.mark.parametrize(
    "problem", [error("KMS.NotFoundException"), error("AccessDenied", "not kms:GenerateDataKey")]
)
def test_a_put_that_fails_for_its_key_is_no_refusal_of_s3(problem: ClientError) -> None:
    bucket = Bucket(statements=[OTHER_ALGORITHMS], refusals={"aws:kms": problem})

    with pytest.raises(ExpectationError, match="with another KMS key: expected 'a denial'"):
        check(bucket)


def test_a_failure_of_another_kind_is_told_as_it_is() -> None:
    with pytest.raises(ClientError, match="SlowDown"):
        check(Bucket(refusals={"AES256": error("SlowDown")}))


def test_a_bucket_that_takes_nothing_is_no_proof() -> None:
    with pytest.raises(ExpectationError, match="without a header: expected 'success'"):
        check(Bucket(refusals={"": error("AccessDenied")}))


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        ([], "with AES256: expected 'a denial', got 'no policy'"),
        ([OTHER_KEYS], "with AES256: expected 'a denial', got .'Deny'."),
        ([OTHER_ALGORITHMS], "with another KMS key"),
        ([deny()], "denies a put without a header"),
        ([deny(Bool={"aws:SecureTransport": "false"})], "with AES256"),
    ],
)
def test_a_policy_that_leaves_a_gap_or_denies_everything_fails(
    statements: list[dict[str, Any]], told: str
) -> None:
    with pytest.raises(ExpectationError, match=told):
        check(Bucket(statements=statements))


@pytest.mark.parametrize(
    "bucket", [Bucket(algorithm="AES256"), Bucket(bucket_key=False), Bucket(has_default=False)]
)
def test_another_default_or_none_fails(bucket: Bucket) -> None:
    with pytest.raises(ExpectationError, match="default encryption of mine"):
        check(bucket)
