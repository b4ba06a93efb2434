from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from harness.stack.hops import trace_sent
from tests.unit.stack.hops.world import QUEUE, TOPIC, WORKER, sent

if TYPE_CHECKING:
    from harness.stack.hops import Hop
    from harness.values import Sent
    from tests.unit.stack.hops.world import World


def subscription(endpoint: str, protocol: str, **attributes: str) -> dict[str, str]:
    return {"SubscriptionArn": f"{TOPIC}:{uuid4()}", "Protocol": protocol, "Endpoint": endpoint, **attributes}


def traced(world: World, message: Sent) -> dict[str, Hop]:
    return {hop.name: hop for hop in trace_sent(world.stack(), message, patience=0)}


def test_a_message_goes_to_every_subscription_that_takes_it(world: World) -> None:
    message = sent(TOPIC, "hello")
    world.subscriptions = [
        subscription(WORKER, "lambda"),
        subscription(QUEUE, "sqs", RawMessageDelivery="true"),
    ]
    world.ran(message.id)
    world.lies_in(QUEUE, "hello", Attributes={"SentTimestamp": "9999999999999"})

    found = traced(world, message)

    assert {hop.state for hop in found.values()} == {"reached"}
    assert found["matched a subscription"].seen == "function:worker, jobs"
    record = json.loads(found["function invoked"].payload)["Records"][0]
    assert record["Sns"] == {"Type": "Notification", "TopicArn": TOPIC, "Message": "hello"}
    assert found["in the queue"].payload == "hello"


def test_a_message_in_an_envelope_is_found_by_its_id(world: World) -> None:
    message = sent(TOPIC, "hello")
    world.subscriptions = [subscription(QUEUE, "sqs")]
    envelope = json.dumps({"MessageId": message.id, "Message": "hello"})
    world.lies_in(QUEUE, envelope)

    assert traced(world, message)["in the queue"].payload == envelope


@pytest.mark.parametrize(
    ("policy", "scope", "body", "attributes"),
    [
        ({"kind": ["order"]}, "MessageAttributes", {}, {"kind": ("String", "order")}),
        ({"n": [{"numeric": [">", 3]}]}, "MessageAttributes", {}, {"n": ("Number", "5")}),
        ({"tags": ["new"]}, "MessageAttributes", {}, {"tags": ("String.Array", '["old", "new"]')}),
        ({"kind": ["order"]}, "MessageBody", {"kind": "order"}, {}),
    ],
)
def test_filter_policies_are_of_attributes_or_of_the_body(
    world: World,
    policy: dict[str, Any],
    scope: str,
    body: dict[str, Any],
    attributes: dict[str, tuple[str, str]],
) -> None:
    world.subscriptions = [
        subscription(WORKER, "lambda", FilterPolicy=json.dumps(policy), FilterPolicyScope=scope)
    ]
    typed = {name: {"DataType": kind, "StringValue": value} for name, (kind, value) in attributes.items()}

    taken = traced(world, sent(TOPIC, body, attributes=typed))["matched a subscription"]
    other = traced(world, sent(TOPIC, {"kind": "bill"}))["matched a subscription"]

    assert (taken.state, other.state) == ("reached", "failed")


def test_why_no_subscription_takes_it_is_told_of_each(world: World) -> None:
    world.subscriptions = [
        subscription(WORKER, "lambda", FilterPolicy='{"kind": ["order"]}'),
        subscription(QUEUE, "sqs", FilterPolicy='{"a": [1]}', FilterPolicyScope="MessageBody"),
        subscription(QUEUE, "sqs", FilterPolicy='{"a": [{"moon": 1}]}', FilterPolicyScope="MessageBody"),
        subscription("a@example.org", "email") | {"SubscriptionArn": "PendingConfirmation"},
    ]

    hop = traced(world, sent(TOPIC, {"a": 2}))["matched a subscription"]

    assert hop.state == "failed"
    first, by_attribute, by_body, odd, unconfirmed = hop.seen.splitlines()
    assert first == "no subscription takes it; news has 4"
    policy = '{"kind": ["order"]}'
    assert by_attribute == (
        f"function:worker: the filter policy {policy} does not match the message's attributes: none"
    )
    assert by_body == 'jobs: the filter policy {"a": [1]} does not match the message\'s body: {"a": 2}'
    assert odd.startswith("jobs: the filter policy is not understood: ")
    assert unconfirmed == "a@example.org: the subscription is not confirmed"


def test_a_topic_without_subscriptions_is_where_it_ends(world: World) -> None:
    trace = trace_sent(world.stack(), sent(TOPIC), patience=0)

    assert [hop.state for hop in trace] == ["reached", "failed"]
    assert trace[1].seen == "no subscription takes it; news has 0"


def test_deliveries_by_other_protocols_are_not_followed(world: World) -> None:
    world.subscriptions = [subscription("https://example.org", "https")]

    hop = traced(world, sent(TOPIC))["delivered"]

    assert hop.state == "unknown"
    assert hop.seen == "https://example.org: the harness does not follow deliveries by https"
