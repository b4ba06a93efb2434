"""A queue on the way: which function takes from it, and whether the message lies there or was set aside."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.stack.hops import function, mapping
from harness.stack.hops.hop import SETTLED, Hop, look, name_in, observe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.stack.hops.hop import State, Tracer
    from harness.values import Sent

COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
_WAITS = "in the queue"
_DEAD = "in the dead-letter queue"
_BATCH = 10  # messages that SQS gives in one call

type Message = dict[str, Any]  # as ReceiveMessage gives it


def visible(sqs: Any, url: str) -> list[Message]:  # noqa: ANN401 - a boto3 client
    """Return the visible messages of a queue, and leave them visible.

    SQS counts a look as a receive: on a queue with a redrive policy, a few looks move a message.
    """
    messages = dict[str, Message]()
    while True:
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=_BATCH,
            VisibilityTimeout=0,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        batch = {message["MessageId"]: message for message in answer.get("Messages", [])}
        if not batch.keys() - messages.keys():
            return list(messages.values())
        messages = batch | messages


def follow(tracer: Tracer, sent: Sent) -> tuple[Hop, ...]:
    """Return the hops of a message in a queue: those of the functions that take it, or that it waits."""
    mapped, mappings = observe(mapping.MAPPED, lambda: _mappings(tracer, sent))
    if mappings is None:
        return (mapped, *function.without_invocation(mapped, "not looked for: no mapping is known"))
    if not mappings:
        return (look(_WAITS, lambda: _waiting(tracer, sent)),)
    mapped, live = observe(
        mapping.MAPPED, lambda: mapping.match_record(mappings, {"body": function.parse_json(sent.payload)})
    )
    mapped = replace(mapped, payload=sent.payload)
    if not live:
        return (mapped, *function.without_invocation(mapped, "not looked for: no mapping takes it"))
    record = {"body": sent.payload, "eventSourceARN": sent.arn}
    hops = mapping.follow_functions(tracer, sent, live, record)
    return (mapped, *hops, *_set_aside(tracer, sent, live, hops))


def _mappings(tracer: Tracer, sent: Sent) -> tuple[Hop, list[mapping.Source]]:
    return Hop(name=mapping.MAPPED, state="reached", seen=""), mapping.mappings_of(tracer, sent.arn)


def _waiting(tracer: Tracer, sent: Sent) -> Hop:
    hop = partial(Hop, name=_WAITS)
    attributes = _attributes(tracer, sent.arn)
    if "RedrivePolicy" in attributes:
        seen = f"{name_in(sent.arn)}: {_format_counts(attributes)}(a look would count as a receive)"
        return hop(state="unknown", seen=seen)
    message = _await_message(tracer, sent, sent.arn)
    if message is None:
        seen = f"{name_in(sent.arn)}: it is not visible there; {_format_counts(attributes)}"
        return hop(state="unknown", seen=seen, payload=sent.payload)
    seen = f"{name_in(sent.arn)}: message {message['MessageId']} waits there; no function takes from it"
    return hop(state="reached", seen=seen, payload=message["Body"])


def _set_aside(
    tracer: Tracer, sent: Sent, live: Sequence[mapping.Source], hops: tuple[Hop, ...]
) -> tuple[Hop, ...]:
    """Return the hop of the dead-letter queue, or nothing if the message did not have to go there."""
    failed = any(hop.name == function.RETURNED and hop.state in {"failed", "unreached"} for hop in hops)
    hop, onward = observe(_DEAD, lambda: _dead(tracer, sent, live, failed=failed))
    if hop.state == "reached" and not hop.seen:
        return ()
    return (hop, *(tracer.onward(replace(sent, arn=onward)) if onward else ()))


def _dead(tracer: Tracer, sent: Sent, live: Sequence[mapping.Source], *, failed: bool) -> tuple[Hop, str]:
    """Return the hop to the dead-letter queue, and the queue if functions take from it."""
    hop = partial(Hop, name=_DEAD)
    attributes = _attributes(tracer, sent.arn)
    policy = json.loads(attributes.get("RedrivePolicy") or "{}")
    if not policy:
        seen = f"{name_in(sent.arn)} has none: the message comes again until it is too old"
        return (hop(state="unreached", seen=seen) if failed else hop(state="reached", seen="")), ""
    arn, most = str(policy["deadLetterTargetArn"]), policy["maxReceiveCount"]
    is_taken_from = "RedrivePolicy" in _attributes(tracer, arn) or bool(mapping.mappings_of(tracer, arn))
    if not is_taken_from:
        message = _await_message(tracer, sent, arn) if failed else _message(tracer, sent, arn)
        if message is not None:
            seen = f"{name_in(arn)}: the message lies there; {most} receives are allowed"
            doubt = "" if failed else ", although the function returned: it named the message as failed"
            state: State = "reached" if failed else "failed"
            return hop(state=state, seen=seen + doubt, payload=message["Body"], final_after=SETTLED), ""
    if failed:
        seen = f"{name_in(arn)}: not seen there; {most} receives are allowed; {name_in(sent.arn)}: "
        return hop(state="unknown", seen=seen + _format_counts(attributes)), arn if is_taken_from else ""
    if again := _comes_again(tracer, sent, live):
        return hop(state="unknown", seen=f"{name_in(arn)}: not seen there yet; {again}"), ""
    return hop(state="reached", seen=""), ""


def _comes_again(tracer: Tracer, sent: Sent, live: Sequence[mapping.Source]) -> str:
    """Return when the message may come again although the function has returned, or an empty text."""
    if not any("ReportBatchItemFailures" in one.get("FunctionResponseTypes", ()) for one in live):
        return ""
    attributes = tracer.settle(
        lambda: _attributes(tracer, sent.arn),
        until=lambda found: not _is_anything_left(found),
        what=f"an empty queue {name_in(sent.arn)}",
    )
    if not _is_anything_left(attributes):
        return ""
    when = f"within {attributes.get('VisibilityTimeout', '?')} s"
    counts = f"{name_in(sent.arn)}: {_format_counts(attributes)}"
    return f"the records that the function reported as failed come again {when}; {counts}"


def _is_anything_left(attributes: Mapping[str, str]) -> bool:
    return any(attributes.get(name, "0") != "0" for name in COUNTS)


def _await_message(tracer: Tracer, sent: Sent, arn: str) -> Message | None:
    return tracer.settle(
        lambda: _message(tracer, sent, arn),
        until=lambda message: message is not None,
        what=f"the message in {name_in(arn)}",
    )


def _message(tracer: Tracer, sent: Sent, arn: str) -> Message | None:
    """Return the visible message with this id, or one with the same content that is no older."""
    sqs = tracer.client("sqs", arn)
    messages = visible(sqs, _url(sqs, arn))
    by_id = [one for one in messages if sent.id == one["MessageId"] or _names(one, sent.id)]
    equal = [one for one in messages if _is_equal(one, sent)]
    return next(iter(by_id or equal), None)


def _names(message: Message, name: str) -> bool:
    request_id = message.get("MessageAttributes", {}).get("RequestID", {}).get("StringValue")
    return bool(name) and (name == request_id or function.is_named(name, message["Body"]))


def _is_equal(message: Message, sent: Sent) -> bool:
    at = float(message.get("Attributes", {}).get("SentTimestamp") or 0) / 1000
    is_older = sent.at is None or at < sent.at - 1  # clocks differ a little
    return not is_older and _content(message["Body"]) == _content(sent.payload)


def _content(text: str) -> object:
    """Return the content of a message.

    Of Lambda's note about an invocation, this is the invocation's event.
    """
    content = function.parse_json(text)
    return content["requestPayload"] if isinstance(content, dict) and "requestPayload" in content else content


def _attributes(tracer: Tracer, arn: str) -> Mapping[str, str]:
    sqs = tracer.client("sqs", arn)
    wanted = [*COUNTS, "RedrivePolicy", "VisibilityTimeout"]
    answer = sqs.get_queue_attributes(QueueUrl=_url(sqs, arn), AttributeNames=wanted)
    attributes: Mapping[str, str] = answer.get("Attributes", {})
    return attributes


def _url(sqs: Any, arn: str) -> str:  # noqa: ANN401 - a boto3 client
    account, name = arn.split(":")[4:6]
    return str(sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"])


def _format_counts(attributes: Mapping[str, str]) -> str:
    waiting, taken, delayed = (attributes.get(name, "?") for name in COUNTS)
    return f"{waiting} messages wait, {taken} are being worked on, {delayed} are delayed"
