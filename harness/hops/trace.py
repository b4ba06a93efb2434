"""How far what was sent came: hop by hop, through whatever it is handed on to."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from harness.aws import outbox
from harness.hops import bucket, event, function, mapping, queue, state_machine, topic
from harness.hops.hop import Hop, Way, named
from harness.values import FiredEvent, Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.hops.hop import Stack

PATIENCE = 2.0
_ONWARD = "followed onward"
_FOLLOWERS: Mapping[str, Callable[[Way, Sent], tuple[Hop, ...]]] = {
    "dynamodb": mapping.follow_table,
    "events": event.follow,
    "kinesis": mapping.follow_stream,
    "lambda": function.follow,
    "s3": bucket.follow,
    "sns": topic.follow,
    "sqs": queue.follow,
    "states": state_machine.follow,
}
_NAMES = {
    "dynamodb": "DynamoDB",
    "events": "EventBridge",
    "kinesis": "Kinesis",
    "lambda": "Lambda",
    "s3": "S3",
    "sns": "SNS",
    "sqs": "SQS",
    "states": "Step Functions",
}


def trace_sent(stack: Stack, sent: FiredEvent | Sent, *, patience: float = PATIENCE) -> tuple[Hop, ...]:
    """Return how far what was sent came, through all that it is handed on to; never raise.

    Rules, subscriptions, notifications and mappings are those of now. A hop that can't be looked at is
    unknown.

    Args:
        stack: What it was sent through.
        sent: What was sent.
        patience: Seconds to wait for what takes a moment, such as the end of an invocation.
    """
    if isinstance(sent, FiredEvent):
        accepted = _accepted(sent)
        return (accepted, *_followed(stack, patience, frozenset(), _on_bus(stack, sent)))
    name = f"accepted by {_NAMES.get(_service(sent.arn), _service(sent.arn))}"
    accepted = Hop(name=name, state="reached", seen=f"{named(sent.arn)}: {sent.id}", payload=sent.payload)
    return (accepted, *_followed(stack, patience, frozenset(), sent))


def _followed(stack: Stack, patience: float, passed: frozenset[str], sent: Sent) -> tuple[Hop, ...]:
    if sent.arn in passed:
        return (Hop(name=_ONWARD, state="unknown", seen=f"{named(sent.arn)} again: it goes in a circle"),)
    follow = _FOLLOWERS.get(_service(sent.arn))
    if follow is None:
        return (Hop(name=_ONWARD, state="unknown", seen=f"the harness does not follow into {sent.arn}"),)
    onward = partial(_followed, stack, patience, passed | {sent.arn})
    try:
        return follow(Way(stack=stack, patience=patience, onward=onward), sent)
    except Exception as problem:  # noqa: BLE001 - a diagnosis must not hide the failure that it is about
        return (Hop(name=_ONWARD, state="unknown", seen=f"{type(problem).__name__}: {problem}"),)


def _service(arn: str) -> str:
    return (arn.split(":") + [""] * 3)[2]


def _accepted(event: FiredEvent) -> Hop:
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
