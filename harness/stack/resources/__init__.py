"""Views of the resources in an applied stack: they act, read and wait."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from harness.aws.eventbridge import patterns, send
from harness.aws.rest import address_of
from harness.aws.websocket.connection import WebSocket
from harness.stack.resources.api import published_url
from harness.stack.resources.bucket import Bucket
from harness.stack.resources.events import Rule, Schedule
from harness.stack.resources.function import Function, InvokeResult, LogGroup
from harness.stack.resources.lookup import Stack, find
from harness.stack.resources.messaging import Queue, Stream, Topic
from harness.stack.resources.secrets import Parameter, Secret
from harness.stack.resources.state_machine import StateMachine
from harness.stack.resources.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from harness.aws.rest import ApiClient
    from harness.values import FiredEvent


__all__ = [
    "Bucket",
    "Function",
    "InvokeResult",
    "LogGroup",
    "Parameter",
    "Queue",
    "Resources",
    "Rule",
    "Schedule",
    "Secret",
    "StateMachine",
    "Stream",
    "Table",
    "Topic",
    "WebSocket",
]


class _Callable(Stack, Protocol):
    """A stack whose APIs can be called."""

    def api_client(self, published: str) -> ApiClient: ...


class Resources:
    """The views of an applied stack.

    `which` names the resource by its id, name, ARN or URL, by an output with one of these values, by its
    Terraform address, or by a part of the address that no other resource of the kind has. Leave it out if
    there is only one. If the name fits no resource or several, you get a `ResourceError` that lists the
    candidates.
    """

    __slots__ = ()

    def fire(
        self: Stack,
        event: Mapping[str, Any] | None = None,
        *,
        source: str = "",
        detail_type: str = "",
        detail: Mapping[str, Any] | None = None,
        bus: str = "default",
    ) -> FiredEvent:
        """Send one event with PutEvents.

        Args:
            event: A whole event, such as that of a near miss. To write one yourself, use the other arguments.
            source: Its source.
            detail_type: Its detail type.
            detail: Its detail.
            bus: The name or ARN of the bus.

        Raises:
            PatternError: PutEvents can't send the event.
            ExpectationError: EventBridge did not accept it.
        """
        own = {"source": source, "detail-type": detail_type, "detail": dict(detail or {})}
        fired = patterns.to_fired_event(own if event is None else event, bus)
        return send.put_event(self.client("events"), fired, place=self.endpoint.place)

    def api(self: _Callable, which: str | None = None) -> ApiClient:
        """Return a client of an API, at its address on the backend.

        That is a REST API, an HTTP API, a function URL, a load balancer, or a GraphQL API of AppSync.
        """
        return self.api_client(published_url(self, which))

    @contextmanager
    def websocket(
        self: _Callable,
        which: str | None = None,
        *,
        query: Mapping[str, str | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[WebSocket]:
        """Connect to a WebSocket API, yield the connection, and close it when the context ends.

        Args:
            which: The API, its stage or an output with its URL.
            query: Parameters of the query, for the route `$connect` and its authorizer.
            headers: Further headers.

        Raises:
            ExpectationError: The API refused the connection. `got` has its status and its answer.
        """
        address = address_of(self.endpoint, published_url(self, which))
        with WebSocket.connected(address, query=query, headers=headers, ca=self.endpoint.ca) as opened:
            yield opened

    def bucket(self: Stack, which: str | None = None) -> Bucket:
        """Return an S3 bucket."""
        return Bucket(self, find(self, "bucket", which))

    def function(self: Stack, which: str | None = None) -> Function:
        """Return a Lambda function."""
        return Function(self, find(self, "function", which))

    def log_group(self: Stack, which: str | None = None) -> LogGroup:
        """Return a log group."""
        return LogGroup(self, find(self, "log_group", which))

    def parameter(self: Stack, which: str | None = None) -> Parameter:
        """Return a Systems Manager parameter."""
        return Parameter(self, find(self, "parameter", which))

    def queue(self: Stack, which: str | None = None) -> Queue:
        """Return an SQS queue."""
        return Queue(self, find(self, "queue", which))

    def rule(self: Stack, which: str | None = None) -> Rule:
        """Return an EventBridge rule that has a pattern."""
        return Rule(self, find(self, "rule", which))

    def schedule(self: Stack, which: str | None = None) -> Schedule:
        """Return a schedule, or a rule that has one."""
        return Schedule(self, find(self, "schedule", which))

    def secret(self: Stack, which: str | None = None) -> Secret:
        """Return a Secrets Manager secret."""
        return Secret(self, find(self, "secret", which))

    def state_machine(self: Stack, which: str | None = None) -> StateMachine:
        """Return a state machine."""
        return StateMachine(self, find(self, "state_machine", which))

    def stream(self: Stack, which: str | None = None) -> Stream:
        """Return a Kinesis stream."""
        return Stream(self, find(self, "stream", which))

    def table(self: Stack, which: str | None = None) -> Table:
        """Return a DynamoDB table."""
        return Table(self, find(self, "table", which))

    def topic(self: Stack, which: str | None = None) -> Topic:
        """Return an SNS topic."""
        return Topic(self, find(self, "topic", which))
