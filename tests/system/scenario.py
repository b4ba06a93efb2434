"""The verbs of this project's tests: a deployment with the outputs of `terraform/env/*`."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Self, override

from harness.aws import reset
from harness.aws.eventbridge import send
from harness.aws.rest import ApiClient
from harness.base.polling import eventually
from harness.errors import NotReachedError
from harness.stack import hops
from harness.stack.deployment import Deployment
from harness.values import FiredEvent, StoredObject
from tests.system.contract import System, on_demand

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from harness.stack.hops import Hop, Hops
    from harness.values import Acted, ApiResponse

_PARALLEL_PUTS = 8
_FIRST_BYTES = 80  # of a body that a trace shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario(Deployment):
    """The deployed system with its verbs. It is a model of an adapter for any other stack.

    Attributes:
        system: The root's outputs, as this project's contract.
        latest_api: The client of the published URL.
    """

    system: System
    latest_api: ApiClient

    @classmethod
    def of(cls, deployment: Deployment) -> Self:
        """Return the scenario of a deployment of this project's root.

        Raises:
            OutputError: The root lacks an output of the contract.
        """
        system = System.of(deployment.outputs)
        held = {item.name: getattr(deployment, item.name) for item in fields(Deployment)}
        placed = replace(deployment.endpoint, region=system.region)
        return cls(
            **held | {"endpoint": placed}, system=system, latest_api=ApiClient.of(placed, system.api_url)
        )

    @override
    def refreshed(self) -> Self:
        """Return the same scenario with the present outputs of the root, and so with the present contract."""
        return self.of(replace(self, outputs=self.terraform.outputs()))

    # This system waits for one kind of event.
    def fire(self, *, timestamp: datetime | None = None) -> FiredEvent:  # type: ignore[override]
        """Fire the on-demand rule. The event carries `timestamp`, which is now by default.

        Raises:
            ExpectationError: EventBridge did not accept the event.
        """
        event = on_demand(self.system, timestamp=timestamp)
        return send.put_event(self.client("events"), event, place=self.endpoint.place)

    def object_of(self, event: FiredEvent, *, timeout: float = 30.0) -> StoredObject:
        """Wait until the system has written the object of `event`, and return it.

        The write is complete when the pointer has come to the object, or past it: from then on no read
        answers with an older one.

        Raises:
            NotReachedError: It took over `timeout` seconds. The notes show the event's hops.
        """
        what = f"the object of event {event.id} in the bucket"
        try:
            (key,) = eventually(
                lambda: _keys_of(event, self.keys()), unless=self.lost(event), what=what, timeout=timeout
            )
            eventually(self._pointed_at, until=key.__le__, what=f"the pointer at {key}", timeout=timeout)
        except NotReachedError as problem:
            problem.add_note(hops.format_traces(hops.trace_all(self.trace, [event])))
            raise
        return self.stored(key)

    @override
    def trace(self, sent: Acted) -> Hops:
        """Return the hops, for an event as far as the API's answer. Never raises."""
        before = Deployment.trace(self, sent)
        if not isinstance(sent, FiredEvent):
            return before
        written, stored = hops.observe("object written", lambda: self._written(sent))
        if written.state == "failed" and before.failure:  # it has ended before
            written = replace(written, state="unreached")
        return hops.Hops(
            [
                *before,
                written,
                hops.look("key used", lambda: self._key_used(written, stored)),
                hops.look("pointer moved", lambda: self._pointer_moved(written, stored)),
                hops.look("API answer", lambda: self._answered(written, stored)),
            ]
        )

    def fire_and_wait(self, *, timestamp: datetime | None = None) -> StoredObject:
        """Fire an event and return the object it wrote.

        Raises:
            ExpectationError: EventBridge did not accept the event.
            NotReachedError: The object did not appear.
        """
        return self.object_of(self.fire(timestamp=timestamp))

    def latest(self, *, headers: Mapping[str, str] | None = None) -> ApiResponse:
        """Ask the API for the most recent object."""
        return self.latest_api.get(headers=headers)

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
        """Write an object under each of `keys` as the bucket requires: encrypted, and only if it is new."""
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
        """Empty the bucket, including old versions, so that the next test starts clean."""
        reset.empty_bucket(self.client("s3"), self.system.bucket_name)

    def _written(self, event: FiredEvent) -> tuple[Hop, StoredObject | None]:
        keys = self.keys()
        hop = partial(hops.Hop, name="object written")
        if own := _keys_of(event, keys):
            return hop(state="reached", seen=own[0]), self.stored(own[0])
        newest = f", the newest {keys[-1]}" if keys else ""
        seen = f"no key ends with {_ending(event)}; the bucket has {len(keys)} objects{newest}"
        return hop(state="failed", seen=seen), None

    def _key_used(self, written: Hop, stored: StoredObject | None) -> Hop:
        if stored is None:
            return hops.after("key used", written, "not looked for: no object is known")
        wanted = ("aws:kms", self.system.kms_key_arn)
        used = (stored.encryption, stored.kms_key)
        seen = f"{stored.encryption or 'no encryption'} with {stored.kms_key or 'no key'}"
        if used == wanted:
            return hops.Hop(name="key used", state="reached", seen=seen)
        return hops.Hop(name="key used", state="failed", seen=f"{seen}, not {' with '.join(wanted)}")

    def _pointer_moved(self, written: Hop, stored: StoredObject | None) -> Hop:
        name, pointer = "pointer moved", self.system.pointer_key
        body = self._pointer()
        if body is None:
            return hops.Hop(name=name, state="failed", seen=f"there is no {pointer}")
        key = _key_in(body)
        seen = f"{pointer} has {key or body[:_FIRST_BYTES]!r}"
        if stored is None:
            return hops.after(name, written, seen)
        return hops.Hop(name=name, state=_state(ok=key >= stored.key), seen=seen)

    def _pointer(self) -> bytes | None:
        s3 = self.client("s3")
        try:
            body: bytes = s3.get_object(Bucket=self.system.bucket_name, Key=self.system.pointer_key)[
                "Body"
            ].read()
        except s3.exceptions.NoSuchKey:
            return None
        return body

    def _pointed_at(self) -> str:
        """Return the key in the pointer, or an empty text if there is no pointer or a corrupt one."""
        return _key_in(self._pointer() or b"")

    def _answered(self, written: Hop, stored: StoredObject | None) -> Hop:
        answer = self.latest()
        seen = f"{answer.status}, {answer.body[:_FIRST_BYTES]!r}, age {answer.headers.get('age', 'not told')}"
        if stored is None:
            return hops.after("API answer", written, seen)
        newer = answer.headers.get("x-object-key", "") > stored.key
        ok = answer.status == HTTPStatus.OK and (newer or answer.body == stored.body)
        return hops.Hop(name="API answer", state=_state(ok=ok), seen=seen)


def _ending(event: FiredEvent) -> str:
    return f"_{event.id[:8]}.txt"


def _keys_of(event: FiredEvent, keys: Iterable[str]) -> list[str]:
    return [key for key in keys if key.endswith(_ending(event))]


def _key_in(pointer: bytes) -> str:
    """Return the key in a pointer, or an empty text if it is corrupt."""
    try:
        return str(json.loads(pointer)["key"])
    except (ValueError, LookupError, TypeError):
        return ""


def _state(*, ok: bool) -> hops.State:
    return "reached" if ok else "failed"
