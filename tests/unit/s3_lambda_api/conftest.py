from __future__ import annotations

import functools
import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.loaders import JSONFileLoader
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from s3_lambda_api.keys import POINTER_KEY, ObjectName
from s3_lambda_api.pointer import Pointer
from s3_lambda_api.search import Rules
from s3_lambda_api.store import WritableStore, s3_client
from tests.s3 import hide_missing_keys, may_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from botocore.awsrequest import AWSPreparedRequest
    from botocore.model import OperationModel
    from mypy_boto3_s3 import S3Client

BUCKET = "the-bucket"
KMS_KEY_ARN = "arn:aws:kms:eu-north-1:123456789012:key/11111111-2222-3333-4444-555555555555"
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
RULES = Rules(now=NOW, interval=timedelta(minutes=10), tolerance=timedelta(minutes=5))


def name_at(seconds: float, identifier: str = "00000000") -> ObjectName:
    """Return the name of an occurrence some seconds after now."""
    return ObjectName(NOW + timedelta(seconds=seconds), identifier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket in memory, and the calls that the store made to it."""

    client: S3Client
    store: WritableStore
    calls: list[str] = field(default_factory=list)

    def put(self, *names: ObjectName, indexed: bool = True) -> None:
        for name in names:
            self.store.create(name)
            if indexed:
                self.store.index(name)

    def put_raw(self, key: str, body: bytes = b"?") -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=body)

    def point_at(self, *names: ObjectName) -> None:
        self.put_raw(POINTER_KEY, Pointer.of(names).encode())

    def delete(self, *keys: str) -> None:
        for some in batched(keys, 1000):  # as many as a request takes
            self.client.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in some]})

    def pointer(self) -> Pointer | None:
        raw = self.store.read_pointer().raw
        return Pointer.decode(raw) if raw is not None else None

    def keys(self, prefix: str) -> list[str]:
        return self.store.keys_under(prefix)

    def fill(self, names: Iterable[ObjectName], *, indexed: bool = True) -> None:
        """Write many objects without requests."""
        backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        for name in names:
            backend.put_object(BUCKET, name.key, name.body)
            if indexed:
                backend.put_object(BUCKET, name.index_key, b"")


@pytest.fixture(scope="package", autouse=True)
def models_are_read_once() -> Iterator[None]:
    """Let the clients share the model of S3, which each test's client would read again.

    A client changes the model, so use this only if a test does not depend on it otherwise.
    """
    read = functools.cache(JSONFileLoader().load_file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda _, path: read(path))
        yield


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    with mock_aws():
        yield


@pytest.fixture
def bucket(aws: None) -> Bucket:  # noqa: ARG001 - wanted for its effect
    client = s3_client(attempts=1)
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
    hide_missing_keys(client, may_list)
    made = Bucket(client=client, store=WritableStore(client, BUCKET, KMS_KEY_ARN))
    count_calls(client, made.calls)
    return made


def count_calls(client: S3Client, calls: list[str]) -> None:
    """Note the name of every operation that this client sends from now on."""

    def note(model: OperationModel, **_: object) -> None:
        calls.append(model.name)

    client.meta.events.register("before-call.s3", note)


def fail_with(client: S3Client, status: int, code: str, *, operation: str = "*") -> None:
    """Let S3 answer every request of an operation with this error."""

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        body = f"<Error><Code>{code}</Code><Message>secret-inside</Message></Error>".encode()
        return AWSResponse(request.url, status, HTTPHeaders(), _Raw(body))

    hooks: Any = client.meta.events
    hooks.register_first(f"before-send.s3.{operation}", answer)


class _Raw(io.BytesIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()
