"""Empty the data stores of a stack, except for content that Terraform manages."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from harness.values import Resource

type Clients = Callable[[str, str], Any]  # of a service and a region; empty for the stack's own
type Item = dict[str, Any]  # by attribute's name, as DynamoDB's API has it

# The types of Terraform resources inside a bucket, and inside a table.
_OBJECTS = frozenset({"aws_s3_object", "aws_s3_object_copy", "aws_s3_bucket_object"})
_ITEM = "aws_dynamodb_table_item"


def empty(client: Clients, resources: Iterable[Resource]) -> None:
    """Empty every bucket, queue and table in `resources`, except for content that Terraform manages.

    A message that a function is at work on may still be written afterwards: a test waits for those it sends.

    Args:
        client: Returns the boto3 client of a service, in a region.
        resources: All resources of the stack.
    """
    # Queues first. Otherwise their waiting messages would be written into stores that are already empty.
    ordered = sorted(resources, key=lambda resource: resource.type != "aws_sqs_queue")
    objects, items = _objects(ordered), _items(ordered)
    for resource in ordered:
        values, region = resource.values, resource.region
        match resource.type:
            case "aws_s3_bucket":
                empty_bucket(client("s3", region), values["bucket"], keep=objects[values["bucket"]])
            case "aws_sqs_queue":
                _empty_queue(client("sqs", region), values["url"])
            case "aws_dynamodb_table":
                _empty_table(client("dynamodb", region), values["name"], keep=items[values["name"]])


def empty_bucket(s3: Any, bucket: str, *, keep: Mapping[str, str] | None = None) -> None:  # noqa: ANN401 - a boto3 client
    """Delete every object of `bucket`, old versions included.

    Args:
        s3: A boto3 client.
        bucket: The bucket's name.
        keep: The keys of objects that stay, with the version to keep. An empty version keeps all of them.
    """
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    for page in list(pages):  # a page's last key leads to the next page, so read all of them first
        entries = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        gone = [
            {"Key": entry["Key"], "VersionId": entry["VersionId"]}
            for entry in entries
            if not _stays(entry, keep or {})
        ]
        if gone:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": gone, "Quiet": True})


def _stays(entry: Mapping[str, Any], keep: Mapping[str, str]) -> bool:
    return entry["Key"] in keep and keep[entry["Key"]] in {"", entry["VersionId"]}


def _objects(resources: Iterable[Resource]) -> defaultdict[str, dict[str, str]]:
    """Return the objects that Terraform manages: by bucket, the version of each key."""
    kept: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for resource in resources:
        if resource.type in _OBJECTS:
            version = str(resource.values.get("version_id") or "")
            kept[resource.values["bucket"]][resource.values["key"]] = "" if version == "null" else version
    return kept


def _items(resources: Iterable[Resource]) -> defaultdict[str, list[Item]]:
    """Return the items that Terraform manages, by table."""
    kept: defaultdict[str, list[Item]] = defaultdict(list)
    for resource in resources:
        if resource.type == _ITEM:
            kept[resource.values["table_name"]].append(json.loads(resource.values["item"]))
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


def _empty_table(dynamodb: Any, name: str, *, keep: Collection[Item]) -> None:  # noqa: ANN401 - a boto3 client
    schema = [key["AttributeName"] for key in dynamodb.describe_table(TableName=name)["Table"]["KeySchema"]]
    kept = [_key(item, schema) for item in keep]
    pages = dynamodb.get_paginator("scan").paginate(TableName=name)
    items = [item for page in pages for item in page["Items"]]
    for key in (_key(item, schema) for item in items):
        if key not in kept:
            dynamodb.delete_item(TableName=name, Key=key)
    for item in keep:
        if item not in items:  # a test has changed or deleted it
            dynamodb.put_item(TableName=name, Item=item)


def _key(item: Item, schema: Iterable[str]) -> Item:
    return {attribute: item[attribute] for attribute in schema}
