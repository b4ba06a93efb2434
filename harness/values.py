"""The values that flow through the harness. They are frozen and need only the standard library."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from harness.base.telemetry import outputs
from harness.errors import ExpectationError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from pathlib import Path


_ACCOUNT = re.compile(r"\d{12}")
_DEFAULT_ACCOUNT = "000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address at which AWS answers.

    Attributes:
        backend: The name of the backend that serves it.
        url: The base URL of every service. Empty on real AWS, where each service has its own.
        region: The region that clients use.
        access_key: The access key id. On an emulator, 12 digits select the account of that number.
        secret_key: The secret access key.
        ca: The PEM file of the certificate authority to trust. Empty if the system already trusts it.
        log: The file to which the emulator writes its log, if it has one.
        is_temporary: Whether everything there ends with this run.
        host_address: The address of this machine as the stack's functions see it. Empty if unknown.
        gate: The URL of the proxy that blocks all other hosts. Empty if there is none.
        name: The name of this run's deployment. Empty if the run has the account to itself.
        retry_delay: Seconds until Lambda retries a failed asynchronous invocation, doubled for each further
            retry. 0 if unknown.
        ended: Returns a clause such as `it ended with exit code 1`, or an empty text if it still runs.
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
        """The account number on an emulator: the access key if it has 12 digits, else the default account."""
        return self.access_key if _ACCOUNT.fullmatch(self.access_key) else _DEFAULT_ACCOUNT

    @property
    def place(self) -> str:
        """The account's unique name among all endpoints."""
        return f"{self.access_key}@{self.url}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change in a plan: a resource's address, and create, update, delete or replace."""

    address: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource that Terraform manages, with its address, type and attributes."""

    address: str
    type: str
    values: Mapping[str, Any] = field(repr=False)

    @property
    def region(self) -> str:
        """Its region. Empty for a global resource, such as a role."""
        return region_of(self.values)


def region_of(attributes: Mapping[str, Any]) -> str:
    """Return the region in a resource's attributes, or an empty text if they name none."""
    arn = str(attributes.get("arn") or "").split(":")
    return str(attributes.get("region") or "") or (arn[3] if len(arn) > 5 else "")  # noqa: PLR2004 - an ARN's parts


@dataclass(frozen=True, slots=True, repr=False)
class Outputs:
    """The outputs of a Terraform root, by name. `repr` shows the names alone, as a value may be a secret.

    Attributes:
        untraced: Their values. Nobody is told that you read one there.
    """

    untraced: Mapping[str, Any]

    def __repr__(self) -> str:
        """Return the names of the outputs."""
        return f"{type(self).__name__}({', '.join(self.untraced)})"

    @property
    def values(self) -> Mapping[str, Any]:
        """The values of all outputs. For the coverage of Terraform, you may have read any of them."""
        outputs.READ.send(outputs.ALL)
        return self.untraced

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - an output has any JSON type
        """Return the output `name`.

        Raises:
            OutputError: The root has no such output.
        """
        try:
            value = self.untraced[name]
        except KeyError:
            present = ", ".join(sorted(self.untraced)) or "none"
            raise OutputError(name, f"not declared; the root declares: {present}") from None
        outputs.READ.send(name)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class FiredEvent:
    """An event for EventBridge.

    Attributes:
        id: The id that EventBridge gave it. Empty until it is sent.
        timestamp: The time (UTC) in its detail, else the time at which it was sent.
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
    """A message, an object, an item or an input that a service accepted.

    `Deployment.trace` follows it.

    Attributes:
        arn: The ARN of the queue, topic, bucket, function, table or state machine that received it.
        id: The name that a log may give it: the message's id, the object's key, the request's id, the item's
            key, or the execution's ARN.
        payload: The text that was sent.
        at: The time at which it was sent, in seconds since the epoch. None if unknown.
        attributes: Its message attributes in boto3's form. For an item, the `OldImage` that it replaced, if
            any.
        is_answered: Whether the caller of the function waits for its answer.
        status: The HTTP status of the answer, for a request to an API.
        until: The time of that answer, in seconds since the epoch. Whatever began later has another cause.
    """

    arn: str
    id: str
    payload: str = field(repr=False)
    at: float | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    is_answered: bool = False
    status: int = 0
    until: float | None = None


class Answer(Protocol):
    """The answer of a function or an API."""

    @property
    def sent(self) -> Sent | None:
        """The event or request that it answers. None if the harness can't follow it."""
        ...


# What the stack's objects return when they act: `Deployment.trace` and the waits take it.
type Acted = FiredEvent | Sent | Answer | Iterable[Acted]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An S3 object and its encryption at rest.

    Attributes:
        key: The object's key.
        body: Its content.
        etag: Its entity tag, with the quotes.
        encryption: The `x-amz-server-side-encryption` header: `aws:kms`, `AES256`, or empty.
        kms_key: The ARN of the KMS key. Empty if no key was used.
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
        elapsed: Seconds until the whole body was read.
        sent: The request, for `Deployment.trace`. None if the URL belongs to no API and no function.
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
        """Parse the body as JSON.

        Raises:
            ExpectationError: The body is not JSON.
        """
        try:
            return json.loads(self.body)
        except ValueError:
            raise ExpectationError(f"body of status {self.status}", expected="JSON", got=self.body) from None
