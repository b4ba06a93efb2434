"""The verbs that this project's tests call: a deployment whose outputs are those of `terraform/env/*`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Self

from harness import events, resetting
from harness.api import ApiClient
from harness.deployment import Deployment
from harness.errors import NotReachedError, tail
from harness.polling import eventually
from harness.types import StoredObject, System

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from harness.types import ApiResponse, FiredEvent

_PARALLEL_PUTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario(Deployment):
    """The deployed system and what can be done to it: the model of an adapter for any other stack.

    Attributes:
        system: The root's outputs, as this project's contract.
        api: The client of the published URL.
    """

    system: System
    api: ApiClient

    @classmethod
    def of(cls, deployment: Deployment) -> Self:
        """Return the scenario of a deployment of this project's root.

        Raises:
            OutputError: The root lacks an output of the contract.
        """
        system = System.of(deployment.outputs)
        held = {item.name: getattr(deployment, item.name) for item in fields(Deployment)}
        placed = replace(deployment.endpoint, region=system.region)
        return cls(**held | {"endpoint": placed}, system=system, api=ApiClient.of(placed, system.api_url))

    def fire(self, *, timestamp: datetime | None = None) -> FiredEvent:
        """Fire the on-demand rule; the event carries `timestamp`, now by default.

        Raises:
            ExpectationError: EventBridge did not accept the event.
        """
        return events.sent(self.client("events"), events.on_demand(self.system, timestamp=timestamp))

    def object_of(self, event: FiredEvent, *, timeout: float = 30.0) -> StoredObject:
        """Wait for the object that `event` makes the system write, and return it.

        Raises:
            NotReachedError: It did not appear in `timeout` seconds; the writer's log lines are in its notes.
        """
        ending = f"_{event.id[:8]}.txt"

        def keys() -> list[str]:
            return [key for key in self.keys() if key.endswith(ending)]

        try:
            (key,) = eventually(keys, what=f"the object of event {event.id} in the bucket", timeout=timeout)
        except NotReachedError as problem:
            lines = self.logs(self.system.create_function_name)
            problem.add_note(f"log of {self.system.create_function_name}:\n{tail(lines) or '  empty'}")
            raise
        return self.stored(key)

    def fire_and_wait(self, *, timestamp: datetime | None = None) -> StoredObject:
        """Fire an event and return the object it wrote.

        Raises:
            ExpectationError: EventBridge did not accept the event.
            NotReachedError: The object did not appear.
        """
        return self.object_of(self.fire(timestamp=timestamp))

    def latest(self, *, headers: Mapping[str, str] | None = None) -> ApiResponse:
        """Ask the API for the most recent object."""
        return self.api.get(headers=headers)

    def keys(self) -> list[str]:
        """Return the keys of all timestamp objects, in the order of their names."""
        pages = self.client("s3").get_paginator("list_objects_v2")
        listed = pages.paginate(Bucket=self.system.bucket_name, Prefix=self.system.object_prefix)
        return [item["Key"] for page in listed for item in page.get("Contents", [])]

    def stored(self, key: str) -> StoredObject:
        """Return the object `key` with its encryption."""
        answer = self.client("s3").get_object(Bucket=self.system.bucket_name, Key=key)
        return StoredObject(
            key=key,
            body=answer["Body"].read(),
            etag=answer["ETag"],
            encryption=answer.get("ServerSideEncryption", ""),
            kms_key=answer.get("SSEKMSKeyId", ""),
        )

    def put(self, keys: Iterable[str], body: bytes = b"seeded by a test") -> None:
        """Write an object under each of `keys` the way the bucket demands it: encrypted, and only if new."""
        put = partial(
            self.client("s3").put_object,
            Bucket=self.system.bucket_name,
            Body=body,
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=self.system.kms_key_arn,
            IfNoneMatch="*",
        )
        with ThreadPoolExecutor(_PARALLEL_PUTS) as pool:
            list(pool.map(lambda key: put(Key=key), keys))

    def reset(self) -> None:
        """Empty the bucket, old versions included, so that the next test starts from nothing."""
        resetting.empty_bucket(self.client("s3"), self.system.bucket_name)
