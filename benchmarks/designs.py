"""The designs that are compared, each as a handler that answers the newest object."""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.model import OperationModel
    from mypy_boto3_s3 import S3Client

    from harness.aws.rest import ApiClient

__all__ = ["CONTEXT", "Design", "counting", "designs", "loaded"]

CONTEXT = SimpleNamespace(
    aws_request_id="0badf00d-0000-0000-0000-000000000000",
    function_name="benchmark",
    memory_limit_in_mb=256,
    invoked_function_arn="arn:aws:lambda:eu-north-1:000000000000:function:benchmark",
)
_GET = {"httpMethod": "GET", "headers": {}}


class Design(NamedTuple):
    """One way to read the newest object.

    Attributes:
        name: Its name in the plot.
        client: The client whose calls are counted. None if another process makes them.
        read: Answers the newest object's body.
        most_reads: The greatest number of reads to measure, so that a slow design takes no longer.
    """

    name: str
    client: S3Client | None
    read: Callable[[], str]
    most_reads: int


def designs(bucket: str, client: S3Client, api: ApiClient) -> list[Design]:
    """Return this project's reader, here and behind its API, the full pagination and the original's page."""
    reader = loaded("reader", bucket)

    def this() -> str:
        return str(reader.handler(_GET, CONTEXT)["body"])

    def pages() -> str:
        return _body(client, bucket, max(_all_keys(client, bucket)))

    def page() -> str:
        contents = client.list_objects_v2(Bucket=bucket, Prefix="hello_world_")["Contents"]
        return _body(client, bucket, max(item["Key"] for item in contents))

    return [
        Design("this design", _client_of(reader), this, 200),
        Design("this design through API Gateway", None, lambda: api.get().text, 200),
        Design("full pagination", client, pages, 50),
        Design("one page (original)", client, page, 50),
    ]


def loaded(function: str, bucket: str) -> Any:  # noqa: ANN401 - a module
    """Load a function as a new process would, for this bucket."""
    os.environ["BUCKET_NAME"] = bucket
    sys.modules.pop(f"s3_lambda_api.{function}", None)
    return importlib.import_module(f"s3_lambda_api.{function}")


@contextmanager
def counting(client: S3Client | None) -> Iterator[list[str]]:
    """Note the calls of a client, if there is one, for as long as the context is open."""
    calls: list[str] = []
    if client is None:
        yield calls
        return

    def note(model: OperationModel, **_: object) -> None:
        calls.append(model.name)

    client.meta.events.register("before-call.s3", note)
    try:
        yield calls
    finally:
        client.meta.events.unregister("before-call.s3", note)


def _client_of(reader: Any) -> S3Client:  # noqa: ANN401 - a module
    client: S3Client = reader._store._client  # noqa: SLF001 - its calls are to be counted
    return client


def _all_keys(client: S3Client, bucket: str) -> Iterator[str]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="hello_world_"):
        yield from (item["Key"] for item in page["Contents"])


def _body(client: S3Client, bucket: str, key: str) -> str:
    return client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
