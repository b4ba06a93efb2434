"""A topic on the way: the subscriptions that take a message, and why the others do not."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.aws.eventbridge import patterns
from harness.errors import PatternError
from harness.stack.hops.function import parse_json
from harness.stack.hops.hop import SETTLED, Hop, cap, join, name_in, observe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.stack.hops.hop import Tracer
    from harness.values import Sent

_MATCHED = "matched a subscription"
_FOLLOWED = frozenset({"lambda", "sqs", "sns", "firehose"})  # the protocols whose endpoints are ARNs


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscription: its endpoint, its protocol, and its filter."""

    protocol: str
    endpoint: str
    is_confirmed: bool
    is_raw: bool
    policy: Mapping[str, Any] | None
    is_of_body: bool

    @property
    def name(self) -> str:
        """Whom it delivers to, in a word."""
        return name_in(self.endpoint) if self.endpoint.startswith("arn:") else self.endpoint

    def why_not(self, sent: Sent) -> str:
        """Return the reason why it does not accept a message, or an empty text."""
        if not self.is_confirmed:
            return "the subscription is not confirmed"
        if self.policy is None:
            return ""
        where = "body" if self.is_of_body else "attributes"
        event = parse_json(sent.payload) if self.is_of_body else _values(sent.attributes)
        try:
            if isinstance(event, dict) and patterns.matches(self.policy, event):
                return ""
        except PatternError as problem:
            return f"the filter policy is not understood: {problem}"
        got = json.dumps(event) if event else "none"
        return f"the filter policy {json.dumps(self.policy)} does not match the message's {where}: {got}"


def follow(tracer: Tracer, sent: Sent) -> tuple[Hop, ...]:
    """Return the hops of a published message: its subscriptions, and the hops of their endpoints."""
    matched, live = observe(_MATCHED, lambda: _match(tracer, sent))
    matched = replace(matched, payload=sent.payload)
    return (matched, *join(_follow_delivery(tracer, sent, one) for one in live or []))


def _match(tracer: Tracer, sent: Sent) -> tuple[Hop, list[Subscription]]:
    every = _subscriptions(tracer, sent.arn)
    reasons = [(one, one.why_not(sent)) for one in every]
    live = [one for one, reason in reasons if not reason]
    others = [f"{one.name}: {reason}" for one, reason in reasons if reason]
    hop = partial(Hop, name=_MATCHED)
    if live:
        seen = [", ".join(one.name for one in live), *cap([f"not {other}" for other in others])]
        return hop(state="reached", seen="\n".join(seen)), live
    head = f"no subscription takes it; {name_in(sent.arn)} has {len(every)}"
    why = "\n".join([head, *cap(others)])
    return hop(state="failed", seen=why, final_after=SETTLED), []


def _subscriptions(tracer: Tracer, arn: str) -> Sequence[Subscription]:
    sns = tracer.client("sns", arn)
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
    return [_subscription(sns, one) for page in pages for one in page["Subscriptions"]]


def _subscription(sns: Any, listed: Mapping[str, str]) -> Subscription:  # noqa: ANN401 - a boto3 client
    arn = listed["SubscriptionArn"]
    is_confirmed = arn.startswith("arn:")  # else the text `PendingConfirmation`
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"] if is_confirmed else {}
    policy = attributes.get("FilterPolicy")
    return Subscription(
        protocol=listed["Protocol"],
        endpoint=listed["Endpoint"],
        is_confirmed=is_confirmed and attributes.get("PendingConfirmation") != "true",
        is_raw=attributes.get("RawMessageDelivery") == "true",
        policy=json.loads(policy) if policy else None,
        is_of_body=attributes.get("FilterPolicyScope") == "MessageBody",
    )


def _follow_delivery(tracer: Tracer, sent: Sent, subscription: Subscription) -> tuple[Hop, ...]:
    if subscription.protocol not in _FOLLOWED:
        seen = f"{subscription.endpoint}: the harness does not follow deliveries by {subscription.protocol}"
        return (Hop(name="delivered", state="unknown", seen=seen),)
    note = {"Type": "Notification", "TopicArn": sent.arn, "Message": sent.payload}
    wrapped: object = note
    if subscription.protocol == "lambda":
        wrapped = {"Records": [{"EventSource": "aws:sns", "Sns": note}]}
    payload = sent.payload if subscription.is_raw else json.dumps(wrapped)
    return tracer.onward(replace(sent, arn=subscription.endpoint, payload=payload))


def _values(attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return message attributes as filter policies see them: numbers are numbers, and arrays are arrays."""
    return {name: _value(attribute) for name, attribute in attributes.items()}


def _value(attribute: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a text, a number, or a list
    kind = str(attribute["DataType"]).partition(".")
    text = attribute.get("StringValue", "")
    return parse_json(text) if kind[0] == "Number" or kind[2] == "Array" else text
