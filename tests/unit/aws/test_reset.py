from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from harness import Endpoint
from harness.aws import clients
from harness.aws.reset import empty, empty_bucket
from harness.values import Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REGION = "eu-north-1"
ACCOUNT = Endpoint(backend="aws", url="", region=REGION)


@pytest.fixture
def client() -> Iterator[Callable[..., Any]]:
    """Return a function that makes clients of an account in memory."""
    with mock_aws():
        yield lambda service, _region="": clients.client(ACCOUNT, service)


@pytest.fixture
def bucket(client: Callable[..., Any]) -> str:
    """Return the name of a bucket that keeps old versions."""
    s3, name = client("s3"), "versions"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def resource(kind: str, **values: str) -> Resource:
    return Resource(address=f"{kind}.it", type=kind, values=values)


def versions_in(s3: Any, bucket: str) -> list[str]:  # noqa: ANN401 - a boto3 client
    found = s3.list_object_versions(Bucket=bucket)
    return [entry["Key"] for kind in ("Versions", "DeleteMarkers") for entry in found.get(kind, [])]


def test_a_bucket_is_empty_of_old_versions_and_delete_markers_too(
    client: Callable[..., Any], bucket: str
) -> None:
    s3 = client("s3")
    for body in (b"1", b"2"):
        s3.put_object(Bucket=bucket, Key="a", Body=body)
    s3.delete_object(Bucket=bucket, Key="a")
    s3.put_object(Bucket=bucket, Key="b", Body=b"")
    assert len(versions_in(s3, bucket)) == 4

    empty(client, [resource("aws_s3_bucket", bucket=bucket)])

    assert versions_in(s3, bucket) == []


def test_a_bucket_of_more_than_a_page_is_emptied(client: Callable[..., Any], bucket: str) -> None:
    s3 = client("s3")
    for number in range(1001):
        s3.put_object(Bucket=bucket, Key=str(number), Body=b"")

    empty_bucket(s3, bucket)

    assert versions_in(s3, bucket) == []


def test_a_bucket_without_versions_is_emptied(client: Callable[..., Any]) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="plain", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="plain", Key="a", Body=b"")

    empty(client, [resource("aws_s3_bucket", bucket="plain")])
    empty(client, [resource("aws_s3_bucket", bucket="plain")])

    assert versions_in(s3, "plain") == []


@pytest.mark.parametrize("kind", ["aws_s3_object", "aws_s3_object_copy", "aws_s3_bucket_object"])
def test_an_object_of_terraforms_stays_in_its_bucket_only(
    client: Callable[..., Any], bucket: str, kind: str
) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="other", CreateBucketConfiguration={"LocationConstraint": REGION})
    for name in (bucket, "other"):
        for key in ("mine", "theirs"):
            s3.put_object(Bucket=name, Key=key, Body=b"")

    empty(
        client,
        [
            resource("aws_s3_bucket", bucket=bucket),
            resource("aws_s3_bucket", bucket="other"),
            resource(kind, bucket=bucket, key="theirs"),
        ],
    )

    assert versions_in(s3, bucket) == ["theirs"]
    assert versions_in(s3, "other") == []


def test_a_queue_is_emptied(client: Callable[..., Any]) -> None:
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")

    empty(client, [resource("aws_sqs_queue", url=url)])

    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_a_queue_that_may_not_be_purged_again_yet_is_empty_all_the_same(
    client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    for number in range(25):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))

    def refuse(**_: str) -> None:
        told = {"Error": {"Code": "AWS.SimpleQueueService.PurgeQueueInProgress", "Message": "wait 60 s"}}
        raise sqs.exceptions.PurgeQueueInProgress(told, "PurgeQueue")

    monkeypatch.setattr(sqs, "purge_queue", refuse)

    empty(lambda *_: sqs, [resource("aws_sqs_queue", url=url)])

    left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (left["ApproximateNumberOfMessages"], left["ApproximateNumberOfMessagesNotVisible"]) == ("0", "0")


def test_a_table_is_empty_by_its_whole_key(client: Callable[..., Any]) -> None:
    dynamodb = client("dynamodb")
    _table(dynamodb, "t", "id", "at")
    for number in "123":
        dynamodb.put_item(TableName="t", Item={"id": {"S": "a"}, "at": {"S": number}, "more": {"N": "1"}})

    empty(client, [resource("aws_dynamodb_table", name="t")])

    assert dynamodb.scan(TableName="t")["Items"] == []


def test_a_table_keeps_the_items_of_terraforms_and_no_others(client: Callable[..., Any]) -> None:
    dynamodb = client("dynamodb")
    _table(dynamodb, "t", "id")
    for name in ("a", "b"):
        dynamodb.put_item(TableName="t", Item={"id": {"S": name}, "n": {"N": "2"}})
    item = {"id": {"S": "a"}, "n": {"N": "1"}}

    empty(
        client,
        [
            resource("aws_dynamodb_table", name="t"),
            resource("aws_dynamodb_table_item", table_name="t", item=json.dumps(item)),
        ],
    )

    assert dynamodb.scan(TableName="t")["Items"] == [item]


def test_what_a_test_wrote_over_an_object_of_terraforms_goes(client: Callable[..., Any], bucket: str) -> None:
    s3 = client("s3")
    first = s3.put_object(Bucket=bucket, Key="a", Body=b"terraform's")["VersionId"]
    s3.put_object(Bucket=bucket, Key="a", Body=b"the test's")

    empty(
        client,
        [
            resource("aws_s3_bucket", bucket=bucket),
            resource("aws_s3_object", bucket=bucket, key="a", version_id=first),
        ],
    )

    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"terraform's"


def test_each_resource_is_emptied_in_its_region() -> None:
    asked: list[tuple[str, str]] = []

    def client(service: str, region: str) -> Any:  # noqa: ANN401 - stands in for a boto3 client
        asked.append((service, region))
        return SimpleNamespace(purge_queue=lambda **_: None)

    arn = "arn:aws:sqs:us-west-2:000000000000:q"
    empty(client, [resource("aws_sqs_queue", url="q", arn=arn), resource("aws_sqs_queue", url="q")])

    assert asked == [("sqs", "us-west-2"), ("sqs", "")]


def test_other_resources_are_left_alone() -> None:
    def no_client(service: str, _region: str) -> None:
        pytest.fail(f"a client of {service} was asked for")

    empty(
        no_client, [resource("aws_kms_key", key_id="k"), resource("aws_lambda_function", function_name="f")]
    )


def _table(dynamodb: Any, name: str, *keys: str) -> None:  # noqa: ANN401 - a boto3 client
    dynamodb.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
    )
