"""Requests that the roles and the bucket must refuse, from each possible caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from harness.aws import clients
from tests.iam.roles import EVERYTHING, Role, user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness import Endpoint
    from tests.iam.roles import Statement
    from tests.system import Scenario

pytestmark = pytest.mark.requires("iam_enforcement", "bucket_policy_enforcement")

OLD = "2020-01-01T00-00-00.000000Z_00000000.txt"
NEW = {"IfNoneMatch": "*"}


@pytest.fixture
def old_key(scenario: Scenario) -> str:
    """Return the key of an object. Another object is outside of the functions' reach."""
    key = f"{scenario.system.object_prefix}{OLD}"
    scenario.put([key, "private.txt"])
    return key


@pytest.fixture
def writer(scenario: Scenario) -> Iterator[Endpoint]:
    with Role.of(scenario, scenario.system.create_function_name).as_user() as endpoint:
        yield endpoint


@pytest.fixture
def reader(scenario: Scenario) -> Iterator[Endpoint]:
    with Role.of(scenario, scenario.system.retrieve_function_name).as_user() as endpoint:
        yield endpoint


@pytest.fixture
def administrator(scenario: Scenario) -> Iterator[Endpoint]:
    with user(scenario.endpoint, [EVERYTHING]) as endpoint:
        yield endpoint


def encrypted(scenario: Scenario) -> dict[str, str]:
    """Return the arguments of a PutObject with the right encryption."""
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": scenario.system.kms_key_arn}


def refused(endpoint: Endpoint, operation: str, **arguments: object) -> bool:
    """Return whether S3 refuses an operation for lack of permission. Any other failure is an error."""
    try:
        getattr(clients.client(endpoint, "s3"), operation)(**arguments)
    except ClientError as problem:
        if problem.response["Error"]["Code"] != "AccessDenied":
            raise
        return True
    return False


def test_the_readers_role_reads_and_cannot_write(scenario: Scenario, reader: Endpoint, old_key: str) -> None:
    bucket, pointer = scenario.system.bucket_name, scenario.system.pointer_key

    assert not refused(reader, "get_object", Bucket=bucket, Key=old_key)
    assert refused(
        reader, "put_object", Bucket=bucket, Key=f"{old_key}2", Body=b"", **encrypted(scenario), **NEW
    )
    assert refused(reader, "put_object", Bucket=bucket, Key=pointer, Body=b"", **encrypted(scenario))
    assert refused(reader, "delete_object", Bucket=bucket, Key=old_key)


def test_the_readers_role_cannot_read_other_keys(scenario: Scenario, reader: Endpoint, old_key: str) -> None:
    bucket = scenario.system.bucket_name

    assert old_key
    assert refused(reader, "get_object", Bucket=bucket, Key="private.txt")
    assert refused(reader, "get_object", Bucket=scenario.outputs["code_bucket_name"], Key="code.zip")


def test_the_writers_role_cannot_read_objects_or_other_keys(
    scenario: Scenario, writer: Endpoint, old_key: str
) -> None:
    bucket = scenario.system.bucket_name

    assert refused(writer, "get_object", Bucket=bucket, Key=old_key)
    assert refused(writer, "get_object", Bucket=bucket, Key="private.txt")


def test_the_writers_role_cannot_write_other_keys_or_delete(
    scenario: Scenario, writer: Endpoint, old_key: str
) -> None:
    bucket = scenario.system.bucket_name

    assert not refused(
        writer, "put_object", Bucket=bucket, Key=f"{old_key}2", Body=b"", **encrypted(scenario), **NEW
    )
    assert refused(writer, "put_object", Bucket=bucket, Key="other.txt", Body=b"", **encrypted(scenario))
    assert refused(writer, "delete_object", Bucket=bucket, Key=old_key)
    assert refused(writer, "delete_object", Bucket=bucket, Key=scenario.system.pointer_key)


@pytest.mark.parametrize(
    "tags", [{"superseded": "false"}, {"kept": "true"}, {"superseded": "true", "kept": "true"}]
)
def test_the_writers_role_can_set_no_other_tag_than_the_one_for_the_lifecycle(
    scenario: Scenario, writer: Endpoint, old_key: str, tags: dict[str, str]
) -> None:
    def tagged(tags: dict[str, str]) -> dict[str, object]:
        tagging = {"TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]}
        return {"Bucket": scenario.system.bucket_name, "Key": old_key, "Tagging": tagging}

    assert not refused(writer, "put_object_tagging", **tagged({"superseded": "true"}))
    assert refused(writer, "put_object_tagging", **tagged(tags))


@pytest.mark.parametrize("role", ["writer", "reader"])
def test_a_role_that_may_list_the_bucket_is_told_that_a_key_is_missing(
    scenario: Scenario, role: str, request: pytest.FixtureRequest
) -> None:
    s3, system = clients.client(request.getfixturevalue(role), "s3"), scenario.system

    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket=system.bucket_name, Key=system.pointer_key)


def test_a_caller_that_may_list_objects_alone_is_refused_a_missing_pointer(scenario: Scenario) -> None:
    system, bucket = scenario.system, f"arn:aws:s3:::{scenario.system.bucket_name}"
    read: Statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{bucket}/*"}
    listed = {"StringLikeIfExists": {"s3:prefix": [f"{system.object_prefix}*"]}}
    objects: Statement = {
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": bucket,
        "Condition": listed,
    }

    decrypt: Statement = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": system.kms_key_arn}

    with user(scenario.endpoint, [read, objects, decrypt]) as endpoint:
        assert not refused(endpoint, "list_objects_v2", Bucket=system.bucket_name)
        assert refused(endpoint, "get_object", Bucket=system.bucket_name, Key=system.pointer_key)
        scenario.put([system.pointer_key])
        assert not refused(endpoint, "get_object", Bucket=system.bucket_name, Key=system.pointer_key)


def test_nobody_can_put_an_object_that_is_encrypted_otherwise(
    scenario: Scenario, administrator: Endpoint
) -> None:
    system = scenario.system
    usual = {"Bucket": system.bucket_name, "Body": b"", **NEW}
    other_key = system.kms_key_arn.rpartition("/")[0] + "/00000000-0000-0000-0000-000000000000"
    own = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}

    assert not refused(administrator, "put_object", Key=f"{system.object_prefix}1", **usual)
    for key in (f"{system.object_prefix}2", system.pointer_key, "other.txt"):
        assert refused(administrator, "put_object", Key=key, ServerSideEncryption="AES256", **usual)
        assert refused(
            administrator, "put_object", Key=key, **{**encrypted(scenario), "SSEKMSKeyId": other_key}, **usual
        )
        assert refused(administrator, "put_object", Key=key, **own, **usual)


def test_a_put_that_names_no_encryption_gets_the_stacks_own(
    scenario: Scenario, administrator: Endpoint
) -> None:
    system = scenario.system
    key = f"{system.object_prefix}plain"

    clients.client(administrator, "s3").put_object(Bucket=system.bucket_name, Key=key, Body=b"", **NEW)

    stored = scenario.stored(key)
    assert (stored.encryption, stored.kms_key) == ("aws:kms", system.kms_key_arn)


def test_nobody_can_overwrite_an_object(scenario: Scenario, administrator: Endpoint, old_key: str) -> None:
    bucket = scenario.system.bucket_name
    put = clients.client(administrator, "s3").put_object

    assert refused(administrator, "put_object", Bucket=bucket, Key=old_key, Body=b"", **encrypted(scenario))
    with pytest.raises(ClientError, match="PreconditionFailed"):
        put(Bucket=bucket, Key=old_key, Body=b"", **encrypted(scenario), **NEW)
    assert not refused(administrator, "put_object", Bucket=bucket, Key=scenario.system.pointer_key, Body=b"")


@pytest.mark.parametrize("bucket", ["bucket_name", "code_bucket_name"])
def test_nobody_is_served_over_plain_http(scenario: Scenario, administrator: Endpoint, bucket: str) -> None:
    s3 = clients.client(administrator, "s3")
    # AWS's load balancers tell the service behind them the client's protocol with this header.
    s3.meta.events.register(
        "before-sign.s3", lambda request, **_: request.headers.add_header("X-Forwarded-Proto", "http")
    )

    assert not refused(administrator, "list_objects_v2", Bucket=scenario.outputs[bucket])
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_objects_v2(Bucket=scenario.outputs[bucket])
