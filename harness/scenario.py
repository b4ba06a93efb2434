"""The verbs that tests call on a deployed system."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from harness import aws, events
from harness.api import ApiClient
from harness.errors import NotReachedError, tail
from harness.polling import eventually
from harness.types import StoredObject, System

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from harness.terraform import Terraform
    from harness.types import ApiResponse, Change, Endpoint, FiredEvent, Outputs

_PARALLEL_PUTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The deployed system and what can be done to it.

    Attributes:
        endpoint: Where it runs.
        terraform: The applied root.
        outputs: What the root put out.
        system: The same, as this project's contract.
        api: The client of the published URL.
    """

    endpoint: Endpoint
    terraform: Terraform
    outputs: Outputs
    system: System
    api: ApiClient

    @classmethod
    def of(cls, endpoint: Endpoint, terraform: Terraform) -> Self:
        """Return the scenario of an applied root.

        Raises:
            OutputError: The root lacks an output of the contract.
        """
        outputs = terraform.outputs()
        system = System.of(outputs)
        placed = replace(endpoint, region=system.region)
        api = ApiClient.of(placed, system.api_url)
        return cls(endpoint=placed, terraform=terraform, outputs=outputs, system=system, api=api)

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """Return a boto3 client of `service` at this system's endpoint."""
        return aws.client(self.endpoint, service)

    def fire(self, *, timestamp: datetime | None = None) -> FiredEvent:
        """Fire the on-demand rule; the event carries `timestamp`, now by default.

        Raises:
            ExpectationError: EventBridge did not accept the event.
        """
        return events.fire(self.client("events"), self.system, timestamp=timestamp)

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

    def logs(self, function_name: str) -> list[str]:
        """Return the log lines of a function, oldest first."""
        pages = self.client("logs").get_paginator("filter_log_events")
        found = [
            event
            for page in pages.paginate(logGroupName=f"/aws/lambda/{function_name}")
            for event in page["events"]
        ]
        return [
            event["message"].rstrip("\n") for event in sorted(found, key=lambda event: event["timestamp"])
        ]

    def plan(self, **variables: str) -> list[Change]:
        """Return what another apply would change."""
        return self.terraform.plan(**variables)

    def reset(self) -> None:
        """Empty the bucket, old versions included, so that the next test starts from nothing."""
        s3, bucket = self.client("s3"), self.system.bucket_name
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            entries = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if found := [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": found, "Quiet": True})
