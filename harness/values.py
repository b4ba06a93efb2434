"""The values that flow through the harness: frozen, and of the standard library only."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import ExpectationError, OutputError
from harness.telemetry import outputs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path


_ACCOUNT = re.compile(r"\d{12}")
_DEFAULT_ACCOUNT = "000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where AWS answers.

    Attributes:
        backend: The name of the backend that provides it.
        url: The base URL of every service; empty on real AWS, where each service has its own.
        region: The region that clients use.
        access_key: The access key id; 12 digits select the account of that number on an emulator.
        secret_key: The secret access key.
        ca: The PEM file with the certificates that it is trusted by; empty for those that are known anyway.
        log: The file that the emulator writes its log to, if it has one.
        is_temporary: Whether all that is there ends with this run.
        host_address: The address of this machine as the stack's functions see it; empty if that is not known.
        gate: The URL of the proxy that keeps all other hosts away; empty if there is none.
        name: A name for what is deployed in this run; empty where the run has the account to itself.
        retry_delay: Seconds after which Lambda tries a failed asynchronous invocation again, twice as many
            after each further one; 0 if that is not known.
        ended: Returns how the emulator ended, if it is known to have; else an empty text.
    """

    backend: str
    url: str
    region: str
    access_key: str = "test"
    secret_key: str = field(default="test", repr=False)
    ca: str = ""
    log: Path | None = None
    is_temporary: bool = False
    host_address: str = "127.0.0.1"
    gate: str = ""
    name: str = ""
    retry_delay: float = 0.0
    ended: Callable[[], str] = field(default=str, repr=False, compare=False)

    @property
    def is_aws(self) -> bool:
        """Whether this is real AWS, with the caller's own credentials."""
        return not self.url

    @property
    def account(self) -> str:
        """The account's number on an emulator: 12 digits of the access key, else the one of any other key."""
        return self.access_key if _ACCOUNT.fullmatch(self.access_key) else _DEFAULT_ACCOUNT

    @property
    def place(self) -> str:
        """What tells the account from those of other endpoints."""
        return f"{self.access_key}@{self.url}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change that a plan proposes: a resource's address, and create, update, delete or replace."""

    address: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource that Terraform manages: its address, its type, and its attributes by name."""

    address: str
    type: str
    values: Mapping[str, Any] = field(repr=False)

    @property
    def region(self) -> str:
        """Where it is; empty if it is in no region, such as a role."""
        return region_of(self.values)


def region_of(attributes: Mapping[str, Any]) -> str:
    """Return the region that a resource's attributes tell; empty if they tell none."""
    arn = str(attributes.get("arn") or "").split(":")
    return str(attributes.get("region") or "") or (arn[3] if len(arn) > 5 else "")  # noqa: PLR2004 - an ARN's parts


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of a Terraform root, by name."""

    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - an output has any JSON type
        """Return the output `name`.

        Raises:
            OutputError: There is none of that name.
        """
        try:
            value = self.values[name]
        except KeyError:
            present = ", ".join(sorted(self.values)) or "none"
            raise OutputError(name, f"not declared; the root declares: {present}") from None
        outputs.READ.send(name)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class FiredEvent:
    """An event for EventBridge.

    Attributes:
        id: The id that EventBridge gave it; empty until it is sent.
        timestamp: Its own time (UTC): the one its detail carries, else that of its sending.
        bus: The bus it was sent to.
        source: Its source.
        detail_type: Its detail type.
        detail: Its detail.
    """

    id: str
    timestamp: datetime
    bus: str
    source: str
    detail_type: str
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message, an object, an item or an input that a service took: `Deployment.trace` follows it.

    Attributes:
        arn: The ARN of the queue, topic, bucket, function, table or state machine that it was handed to.
        id: What a log may name it by: the message's id, the object's key, the request's id, the item's key,
            or the execution's ARN.
        payload: Its text, as it was handed over.
        at: When it was sent, in seconds since the epoch; None if that is not known.
        attributes: Its message attributes, as boto3 takes them; of an item, the `OldImage` that it took the
            place of, if there was one.
        is_answered: Whether the function that it goes to is called by somebody who waits for the answer.
        status: Of a request to an API, the status of its answer.
        until: When that answer had come, in seconds since the epoch: what began later is not its doing.
    """

    arn: str
    id: str
    payload: str = field(repr=False)
    at: float | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    is_answered: bool = False
    status: int = 0
    until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An S3 object and how it is encrypted at rest.

    Attributes:
        key: The object's key.
        body: Its content.
        etag: Its entity tag, with the quotes.
        encryption: The `x-amz-server-side-encryption` header: `aws:kms`, `AES256`, or empty.
        kms_key: The ARN of the KMS key; empty when there is none.
    """

    key: str
    body: bytes
    etag: str
    encryption: str
    kms_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiResponse:
    """An HTTP answer.

    Attributes:
        status: Its status.
        headers: Its headers, by lower-case name.
        body: Its body.
        elapsed: Seconds until it was read whole.
        sent: What was asked, as `Deployment.trace` takes it; None if it was no API or function URL.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float
    sent: Sent | None = None

    @property
    def text(self) -> str:
        """The body as UTF-8 text."""
        return self.body.decode()

    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """Return the body as the JSON value that it is.

        Raises:
            ExpectationError: It is no JSON.
        """
        try:
            return json.loads(self.body)
        except ValueError:
            raise ExpectationError(f"body of status {self.status}", expected="JSON", got=self.body) from None
