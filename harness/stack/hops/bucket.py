"""A bucket on the way: the notifications that an object's creation sends, and why the others are not."""

from __future__ import annotations

import json
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from harness.stack.hops.hop import Hop, cap, join, name_in, observe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.stack.hops.hop import Tracer
    from harness.values import Sent

_MATCHED = "matched a notification"
_EVENT = "s3:ObjectCreated:Put"
_TARGETS = {
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
    "QueueConfigurations": "QueueArn",
    "TopicConfigurations": "TopicArn",
}


def follow(tracer: Tracer, sent: Sent) -> tuple[Hop, ...]:
    """Return the hops of a new object: the bucket's notifications, and the hops of their targets.

    A bucket sends every event to EventBridge or none, so that it is no failure if no rule waits for one that
    has another target too.
    """
    matched, arns = observe(_MATCHED, lambda: _match(tracer, sent))
    record = json.dumps({"Records": [_record(sent)]})
    handed = [replace(sent, arn=arn, payload=_payload(arn, sent, record)) for arn in arns or []]
    ways = [(one, tracer.onward(one)) for one in handed]
    heard = [way for one, way in ways if not (_is_bus(one.arn) and way[0].state == "failed")]
    return (replace(matched, payload=record), *join(heard or [way for _, way in ways]))


def why_not(notification: Mapping[str, Any], key: str) -> str:
    """Return the reason why a notification is not sent for an object, or an empty text.

    Args:
        notification: The notification, as in GetBucketNotificationConfiguration.
        key: The object's key.
    """
    events = notification["Events"]
    if not any(fnmatchcase(_EVENT, event) for event in events):
        return f"the notification waits for {', '.join(events)}, not for {_EVENT}"
    rules = notification.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    ways = {"prefix": key.startswith, "suffix": key.endswith}
    unmet = [rule for rule in rules if not ways[rule["Name"].lower()](rule["Value"])]
    return " and ".join(
        f"the {rule['Name'].lower()} {rule['Value']!r} does not match {key!r}" for rule in unmet
    )


def _match(tracer: Tracer, sent: Sent) -> tuple[Hop, list[str]]:
    bucket = sent.arn.rpartition(":")[2]
    configuration = tracer.client("s3").get_bucket_notification_configuration(Bucket=bucket)
    every = [
        (one[arn], why_not(one, sent.id))
        for kind, arn in _TARGETS.items()
        for one in configuration.get(kind, [])
    ]
    bus = f"arn:aws:events:{tracer.stack.endpoint.region}::event-bus/default"
    buses = [bus] if "EventBridgeConfiguration" in configuration else []
    live = list(dict.fromkeys([*(arn for arn, reason in every if not reason), *buses]))
    others = [f"{name_in(arn)}: {reason}" for arn, reason in every if reason]
    hop = partial(Hop, name=_MATCHED)
    if not (every or buses):  # a bucket need not notify anybody
        return hop(state="unknown", seen=f"{bucket} notifies nobody of new objects"), []
    if live:
        seen = [", ".join(map(name_in, live)), *cap([f"not {other}" for other in others])]
        return hop(state="reached", seen="\n".join(seen)), live
    head = [f"no notification of {bucket} is for it"] if len(others) > 1 else []
    return hop(state="failed", seen="\n".join([*head, *cap(others)])), []


def _is_bus(arn: str) -> bool:
    return arn.split(":")[2] == "events"


def _payload(arn: str, sent: Sent, record: str) -> str:
    if not _is_bus(arn):
        return record
    detail = {
        "bucket": {"name": sent.arn.rpartition(":")[2]},
        "object": {"key": sent.id},
        "reason": "PutObject",
    }
    event = {"source": "aws.s3", "detail-type": "Object Created", "resources": [sent.arn], "detail": detail}
    return json.dumps(event)


def _record(sent: Sent) -> dict[str, Any]:
    """Return the part of S3's record about the object, with the key encoded as S3 does it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    bucket = {"name": sent.arn.rpartition(":")[2], "arn": sent.arn}
    what = {"bucket": bucket, "object": {"key": quote_plus(sent.id, safe="/")}}
    return {"eventSource": "aws:s3", "eventName": _EVENT.removeprefix("s3:"), "s3": what}
