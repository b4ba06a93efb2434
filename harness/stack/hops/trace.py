"""Trace an event or message hop by hop, through every resource that passes it on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from harness.aws import outbox
from harness.base import caller
from harness.stack.hops import apis, bucket, event, function, mapping, queue, state_machine, topic
from harness.stack.hops.hop import MOST_TRACES, Hop, Tracer, failure_in, name_in
from harness.values import FiredEvent, Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.base.polling import Clock
    from harness.stack.hops.hop import Stack
    from harness.values import Acted

PATIENCE = 2.0
_LOOK_EVERY = 0.5  # seconds, or some times as long as a look takes
_LOOKS_COST = 4
_DATA = frozenset({"dynamodb", "s3"})  # services whose new content may only be meant to be read
_ONWARD = "followed onward"
_FOLLOWERS: Mapping[str, Callable[[Tracer, Sent], tuple[Hop, ...]]] = {
    "dynamodb": mapping.follow_table,
    "events": event.follow,
    "execute-api": apis.follow,
    "kinesis": mapping.follow_stream,
    "lambda": function.follow,
    "lambda-url": apis.follow_url,
    "logs": event.follow_into_logs,
    "s3": bucket.follow,
    "sns": topic.follow,
    "sqs": queue.follow,
    "states": state_machine.follow,
}
_NAMES = {
    "dynamodb": "DynamoDB",
    "events": "EventBridge",
    "execute-api": "API Gateway",
    "kinesis": "Kinesis",
    "lambda": "Lambda",
    "lambda-url": "Lambda",
    "s3": "S3",
    "sns": "SNS",
    "sqs": "SQS",
    "states": "Step Functions",
}


def collect_sent(*acts: Acted) -> tuple[FiredEvent | Sent, ...]:
    """Return each thing that was sent, of what the stack's objects return when they act."""
    sent: list[FiredEvent | Sent] = []
    for act in acts:
        if isinstance(act, (FiredEvent, Sent)):
            sent.append(act)
        elif isinstance(act, Iterable):
            sent.extend(collect_sent(*act))
        elif act.sent:
            sent.append(act.sent)
    return tuple(sent)


class _OneClientEach:
    """A stack with one client of each service and region, as a trace asks the same services many times."""

    def __init__(self, stack: Stack) -> None:
        self.endpoint = stack.endpoint
        self._client = cache(stack.client)

    def client(self, service: str, region: str = "") -> Any:  # noqa: ANN401 - a boto3 client
        """Return the client of `service` in a region, by default in the endpoint's."""
        return self._client(service, region or self.endpoint.region)


@caller.harness()  # the calls of a trace are not the test's
def trace_sent(stack: Stack, sent: FiredEvent | Sent, *, patience: float = PATIENCE) -> tuple[Hop, ...]:
    """Trace an event or message through every resource that passes it on. Never raises.

    It uses the present rules, subscriptions, notifications and mappings. A hop that can't be observed is
    unknown.

    Args:
        stack: The stack through which it was sent.
        sent: The event or message.
        patience: Seconds to wait for steps that take a moment, such as the end of an invocation.
    """
    stack = _OneClientEach(stack)
    if isinstance(sent, FiredEvent):
        accepted = _acceptance(sent)
        return (accepted, *_follow(stack, patience, frozenset(), _on_bus(stack, sent)))
    name = f"accepted by {_NAMES.get(_service(sent.arn), _service(sent.arn))}"
    accepted = Hop(name=name, state="reached", seen=f"{name_in(sent.arn)}: {sent.id}", payload=sent.payload)
    return (accepted, *_follow(stack, patience, frozenset(), sent))


@dataclass(frozen=True, slots=True)
class _End:
    """An end that stays one if the hops do not change for some seconds."""

    hops: tuple[tuple[Hop, ...], ...]

    @property
    def seconds(self) -> float:
        return max(hop.final_after or 0.0 for way in self.hops for hop in way)

    @property
    def reason(self) -> str:
        """The place where the last event or message has stopped."""
        stop = failure_in(self.hops[-1])
        return f"{stop.name}: {stop.seen.partition('\n')[0]}" if stop else "it was set aside"


class LossCheck:
    """A check that returns the reason why nothing more can come of the events sent, or an empty text.

    It checks now and then, and never waits. A failed invocation is not the end while the backend retries.
    Effects of earlier steps get a second to show.

    Args:
        stack: The stack through which they were sent.
        sent: The events and messages. By default, all that the test has sent through the stack by then. All
            of them must be lost.
        clock: The time to live by.
    """

    def __init__(self, stack: Stack, *sent: Acted, clock: Clock = time) -> None:
        self._stack = stack
        self._sent = collect_sent(*sent)
        self._clock = clock
        self._next = clock.monotonic() + _LOOK_EVERY
        self._end: _End | None = None
        self._since = 0.0

    def __call__(self) -> str:
        """Return the reason why nothing more can come of them, or an empty text."""
        begun = self._clock.monotonic()
        if begun < self._next:
            return ""
        end = self._look()
        now = self._clock.monotonic()
        self._next = now + max(_LOOK_EVERY, _LOOKS_COST * (now - begun))
        if end != self._end:
            self._end, self._since = end, now
        return end.reason if end and now - self._since >= end.seconds else ""

    def _look(self) -> _End | None:
        place = self._stack.endpoint.place
        sent = self._sent or outbox.sent_since(outbox.test_begun(), place)
        if len(sent) > MOST_TRACES:
            return None
        ways = [(one, trace_sent(self._stack, one, patience=0.0)) for one in sent]
        followed = tuple(way for one, way in ways if not _is_data_only(one, way))
        is_end = all(any(hop.final_after is not None for hop in way) for way in followed)
        return _End(followed) if followed and is_end else None


def _is_data_only(sent: FiredEvent | Sent, hops: tuple[Hop, ...]) -> bool:
    """Return whether nothing passes the new content on."""
    if isinstance(sent, FiredEvent) or _service(sent.arn) not in _DATA:
        return False
    return not any(hop.state == "reached" for hop in hops[1:])


def _follow(stack: Stack, patience: float, passed: frozenset[str], sent: Sent) -> tuple[Hop, ...]:
    if sent.arn in passed:
        return (Hop(name=_ONWARD, state="unknown", seen=f"{name_in(sent.arn)} again: it goes in a circle"),)
    follow = _FOLLOWERS.get(_service(sent.arn))
    if follow is None:
        return (Hop(name=_ONWARD, state="unknown", seen=f"the harness does not follow into {sent.arn}"),)
    onward = partial(_follow, stack, patience, passed | {sent.arn})
    try:
        return follow(Tracer(stack=stack, patience=patience, onward=onward), sent)
    except Exception as problem:  # noqa: BLE001 - a diagnosis must not hide the failure that it is about
        return (Hop(name=_ONWARD, state="unknown", seen=f"{type(problem).__name__}: {problem}"),)


def _service(arn: str) -> str:
    return (arn.split(":") + [""] * 3)[2]


def _acceptance(event: FiredEvent) -> Hop:
    name = "accepted by EventBridge"
    if not event.id:
        return Hop(name=name, state="failed", seen="it has no id: it was not sent")
    payload = json.dumps(event.detail)
    return Hop(name=name, state="reached", seen=f"id {event.id}, bus {event.bus}", payload=payload)


def _on_bus(stack: Stack, event: FiredEvent) -> Sent:
    """Return the event as rules see it.

    https://docs.aws.amazon.com/eventbridge/latest/ref/events-structure.html
    """
    region, at = stack.endpoint.region, outbox.sent_at(event)
    moment = datetime.fromtimestamp(at or event.timestamp.timestamp(), UTC)
    envelope = {
        "version": "0",
        "id": event.id,
        "detail-type": event.detail_type,
        "source": event.source,
        "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [],
        "detail": event.detail,
    }
    arn = event.bus if event.bus.startswith("arn:") else f"arn:aws:events:{region}::event-bus/{event.bus}"
    return Sent(arn=arn, id=event.id, payload=json.dumps(envelope), at=at)
