"""S3 buckets."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness.stack.resources.lookup import View
from harness.values import Sent, StoredObject

if TYPE_CHECKING:
    from harness.values import Acted


class Bucket(View):
    """A bucket: put objects into it, read them, wait for them."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The bucket's name."""
        return str(self.resource.values["bucket"])

    def put(self, key: str, body: bytes | str) -> Sent:
        """Write an object, and return it for `Deployment.trace`."""
        content, at = body.encode() if isinstance(body, str) else body, time.time()
        self.client("s3").put_object(Bucket=self.name, Key=key, Body=content)
        arn, text = f"arn:aws:s3:::{self.name}", content.decode(errors="replace")
        return self._remember(Sent(arn=arn, id=key, payload=text, at=at), at)

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys that begin with `prefix`, in S3's order."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def get(self, key: str) -> StoredObject:
        """Return an object. Raises boto3's error if there is none."""
        answer = self.client("s3").get_object(Bucket=self.name, Key=key)
        return StoredObject(
            key=key,
            body=answer["Body"].read(),
            etag=answer["ETag"],
            encryption=answer.get("ServerSideEncryption", ""),
            kms_key=answer.get("SSEKMSKeyId", ""),
        )

    def objects(self, prefix: str = "") -> list[StoredObject]:
        """Return the objects whose keys begin with `prefix`."""
        return [self.get(key) for key in self.keys(prefix)]

    def wait_for(self, key: str, *, timeout: float = 30.0, of: Acted | None = None) -> StoredObject:
        """Wait until there is an object `key`, and return it.

        Args:
            key: The object's key.
            timeout: Seconds until giving up.
            of: The event or message that should create the object. By default, everything that the test has
                sent. The wait ends early once it is lost.

        Raises:
            NotReachedError: There was no such object in time. `last` has the keys in the bucket.
        """
        what = f"the object {key!r} in the bucket {self.name}"
        self._wait(self.keys, until=lambda keys: key in keys, what=what, timeout=timeout, of=of)
        return self.get(key)
