"""The only door to S3. Every method makes one call, unless it says otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    HTTPClientError,
    IncompleteReadError,
)
from botocore.exceptions import (
    ConnectionError as NoConnectionError,
)

from s3_lambda_api.errors import BusyError, ConflictError
from s3_lambda_api.keys import OBJECT_PREFIX, POINTER_KEY, ObjectName
from s3_lambda_api.model import Entry, Page, PointerRead, Stored
from s3_lambda_api.pointer import MAX_BYTES

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef, TaggingTypeDef

__all__ = ["Store", "WritableStore", "s3_client"]

_THROTTLES = frozenset(
    {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"}
)
_SERVER_ERROR = 500
_SUPERSEDED: "TaggingTypeDef" = {"TagSet": [{"Key": "superseded", "Value": "true"}]}
_LOST_SWAP = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})
_GONE = frozenset({"NoSuchKey", "MethodNotAllowed"})  # the latter is S3's answer for a delete marker


def s3_client(*, attempts: int, patience: int = 5, owner: str | None = None) -> "S3Client":
    """Build a client. Endpoint, region and credentials come from the usual variables.

    botocore is used directly: boto3 adds resources and transfers, and the time to load them, for nothing.

    Args:
        attempts: How often a request is sent at most.
        patience: Seconds that each attempt waits for an answer.
        owner: The account that must own the bucket. Anybody may take the name of a deleted bucket, and S3
            then refuses requests to the new one.
    """
    config = Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=min(2, patience),
        read_timeout=patience,
    )
    client = cast("S3Client", botocore.session.Session().create_client("s3", config=config))
    if owner:
        client.meta.events.register("provide-client-params.s3", partial(_expect_owner, owner))
    return client


class Store:
    """The reader's operations. It never writes.

    Every method raises ``BusyError`` if S3 throttles, fails or cannot be reached. It raises botocore's own
    ``ClientError`` for errors of the deployment (no such bucket, access denied).
    """

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def read_pointer(self) -> PointerRead:
        """GET the pointer. One that is far too long is cut, and so becomes corrupt."""
        try:
            with _named_errors():
                answer = self._client.get_object(Bucket=self._bucket, Key=POINTER_KEY)
                return PointerRead(answer["Body"].read(MAX_BYTES), answer["ETag"])
        except self._client.exceptions.NoSuchKey:
            return PointerRead(None, None)

    def get(self, name: ObjectName) -> Stored | None:
        """GET an object, or return None if it does not exist."""
        try:
            with _named_errors():
                answer = self._client.get_object(Bucket=self._bucket, Key=name.key)
                return Stored(name, answer["Body"].read(), answer["ETag"], answer["LastModified"])
        except self._client.exceptions.NoSuchKey:
            return None

    def first_page(self) -> Page:
        """LIST from the start of the bucket: the index, newest first, and then the objects, oldest first."""
        with _named_errors():
            return _page(self._client.list_objects_v2(Bucket=self._bucket))

    def page_from(self, name: ObjectName | None) -> Page:
        """LIST the objects from this name on (inclusive), or from the oldest."""
        start = name.key[:-1] if name else OBJECT_PREFIX  # exclusive, so just before the key
        with _named_errors():
            return _page(
                self._client.list_objects_v2(Bucket=self._bucket, Prefix=OBJECT_PREFIX, StartAfter=start)
            )

    def branches(self, prefix: str, delimiter: str) -> list[str]:
        """LIST the distinct continuations of a prefix up to a delimiter (a call for each 1000), ascending."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, Delimiter=delimiter
        )
        with _named_errors():
            return [branch["Prefix"] for page in pages for branch in page.get("CommonPrefixes", ())]

    def keys_under(self, prefix: str) -> list[str]:
        """LIST all keys with a prefix (a call for each 1000), ascending."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        with _named_errors():
            return [item["Key"] for page in pages for item in page.get("Contents", ())]


class WritableStore(Store):
    """The writer's operations. Every PUT names the KMS key, so nothing depends on the bucket's default."""

    def __init__(self, client: "S3Client", bucket: str, kms_key_arn: str) -> None:
        super().__init__(client, bucket)
        self._kms_key_arn = kms_key_arn

    def create(self, name: ObjectName) -> str | None:
        """PUT an object unless it exists.

        Returns:
            The object's ETag, or None if it already existed.

        Raises:
            ConflictError: Another PUT of the same key is under way.
        """
        try:
            with _named_errors():
                return self._client.put_object(
                    Bucket=self._bucket,
                    Key=name.key,
                    Body=name.body,
                    ContentType="text/plain; charset=utf-8",
                    IfNoneMatch="*",
                    ServerSideEncryption="aws:kms",
                    SSEKMSKeyId=self._kms_key_arn,
                )["ETag"]
        except ClientError as error:
            if _code(error) == "PreconditionFailed":
                return None
            if _code(error) == "ConditionalRequestConflict":
                raise ConflictError(name.key) from error
            raise

    def etag(self, name: ObjectName) -> str | None:
        """LIST one object's ETag: the writer may not GET objects."""
        with _named_errors():
            page = _page(self._client.list_objects_v2(Bucket=self._bucket, Prefix=name.key, MaxKeys=1))
        return page.entries[0].etag if page.entries else None

    def index(self, name: ObjectName) -> None:
        """PUT the empty index entry of an object. Repeating it changes nothing."""
        with _named_errors():
            self._client.put_object(
                Bucket=self._bucket,
                Key=name.index_key,
                Body=b"",
                ServerSideEncryption="aws:kms",
                SSEKMSKeyId=self._kms_key_arn,
            )

    def supersede(self, name: ObjectName) -> None:
        """Tag an object and its index entry as passed (two calls), unless they are gone by now."""
        for key in (name.key, name.index_key):
            try:
                with _named_errors():
                    self._client.put_object_tagging(Bucket=self._bucket, Key=key, Tagging=_SUPERSEDED)
            except ClientError as error:
                if _code(error) not in _GONE:
                    raise

    def swap_pointer(self, raw: bytes, etag: str | None) -> bool:
        """Replace the pointer if it still has this ETag (None: still absent), and return whether it did."""
        condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        try:
            with _named_errors():
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=POINTER_KEY,
                    Body=raw,
                    ContentType="application/json",
                    ServerSideEncryption="aws:kms",
                    SSEKMSKeyId=self._kms_key_arn,
                    **condition,  # type: ignore[arg-type]
                )
        except ClientError as error:
            if _code(error) in _LOST_SWAP:
                return False
            raise
        return True


def _expect_owner(owner: str, params: dict[str, Any], **_: object) -> None:
    params["ExpectedBucketOwner"] = owner


def _page(answer: "ListObjectsV2OutputTypeDef") -> Page:
    entries = (
        Entry(item["Key"], item["ETag"], item["LastModified"], item["Size"])
        for item in answer.get("Contents", ())
    )
    return Page(tuple(entries), complete=not answer["IsTruncated"])


@contextmanager
def _named_errors() -> Iterator[None]:
    """Turn errors that only time can cure into ``BusyError``."""
    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status >= _SERVER_ERROR or _code(error).removeprefix("KMS.") in _THROTTLES:
            raise BusyError(_code(error)) from error
        raise
    except (HTTPClientError, NoConnectionError, IncompleteReadError) as error:
        raise BusyError(type(error).__name__) from error


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")
