"""Empty what a stack keeps its data in, and leave what Terraform has put there."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from harness.values import Resource

type Clients = Callable[[str], Any]

# What Terraform itself manages inside of a bucket, and inside of a table.
_OBJECTS = frozenset({"aws_s3_object", "aws_s3_object_copy", "aws_s3_bucket_object"})
_ITEM = "aws_dynamodb_table_item"


def emptied(client: Clients, resources: Iterable[Resource]) -> None:
    """Empty every bucket, queue and table among `resources`.

    A message that a function is at work on may still be written afterwards: a test waits for those it sends.

    Args:
        client: Returns the boto3 client of a service.
        resources: All resources of the stack.
    """
    # Queues first: what waits there would be written into what is empty already.
    found = sorted(resources, key=lambda resource: resource.type != "aws_sqs_queue")
    kept = _kept_objects(found)
    has_items = {item.values["table_name"] for item in found if item.type == _ITEM}
    for resource in found:
        match resource.type:
            case "aws_s3_bucket":
                empty_bucket(client("s3"), resource.values["bucket"], keep=kept[resource.values["bucket"]])
            case "aws_sqs_queue":
                _empty_queue(client("sqs"), resource.values["url"])
            case "aws_dynamodb_table" if resource.values["name"] not in has_items:
                _empty_table(client("dynamodb"), resource.values["name"])


def empty_bucket(s3: Any, bucket: str, *, keep: Collection[str] = ()) -> None:  # noqa: ANN401 - a boto3 client
    """Delete every object of `bucket`, old versions included, but those whose keys are in `keep`."""
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    for page in list(pages):  # the last key of a page leads to the next one: it has to be there by then
        entries = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        found = [
            {"Key": entry["Key"], "VersionId": entry["VersionId"]}
            for entry in entries
            if entry["Key"] not in keep
        ]
        if found:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": found, "Quiet": True})


def _kept_objects(resources: Iterable[Resource]) -> defaultdict[str, set[str]]:
    kept: defaultdict[str, set[str]] = defaultdict(set)
    for resource in resources:
        if resource.type in _OBJECTS:
            kept[resource.values["bucket"]].add(resource.values["key"])
    return kept


def _empty_queue(sqs: Any, url: str) -> None:  # noqa: ANN401 - a boto3 client
    try:
        sqs.purge_queue(QueueUrl=url)
    except sqs.exceptions.PurgeQueueInProgress:  # AWS allows one in 60 seconds
        _drain(sqs, url)


def _drain(sqs: Any, url: str) -> None:  # noqa: ANN401 - a boto3 client
    while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        entries = [{"Id": str(n), "ReceiptHandle": got["ReceiptHandle"]} for n, got in enumerate(found)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)


def _empty_table(dynamodb: Any, name: str) -> None:  # noqa: ANN401 - a boto3 client
    keys = [key["AttributeName"] for key in dynamodb.describe_table(TableName=name)["Table"]["KeySchema"]]
    for page in dynamodb.get_paginator("scan").paginate(TableName=name):
        for item in page["Items"]:
            dynamodb.delete_item(TableName=name, Key={key: item[key] for key in keys})
