from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.stack.hops import trace_sent
from harness.stack.hops.bucket import why_not
from tests.unit.stack.hops.world import BUCKET, QUEUE, TOPIC, WORKER, sent

if TYPE_CHECKING:
    from harness.stack.hops import Hop
    from tests.unit.stack.hops.world import World

KEY = "in/ü b.json"


def notification(events: str = "s3:ObjectCreated:*", **rules: str) -> dict[str, Any]:
    named = [{"Name": name, "Value": value} for name, value in rules.items()]
    return {"Events": [events], "Filter": {"Key": {"FilterRules": named}}}


def traced(world: World, key: str) -> dict[str, Hop]:
    return {hop.name: hop for hop in trace_sent(world.stack(), sent(BUCKET, "x", id=key), patience=0)}


def test_an_object_goes_to_the_function_whose_notification_is_for_it(world: World) -> None:
    world.notifications = {
        "LambdaFunctionConfigurations": [notification(Prefix="in/") | {"LambdaFunctionArn": WORKER}],
        "QueueConfigurations": [notification(prefix="copy/") | {"QueueArn": QUEUE}],
    }
    world.ran('{"object": {"key": "in/%C3%BC+b.json"}}')

    found = traced(world, KEY)

    assert {hop.state for hop in found.values()} == {"reached"}
    assert found["matched a notification"].seen.splitlines() == [
        "function:worker",
        f"not jobs: the prefix 'copy/' does not match {KEY!r}",
    ]
    what = json.loads(found["function invoked"].payload)["Records"][0]["s3"]
    assert (what["bucket"]["name"], what["object"]["key"]) == ("objects", "in/%C3%BC+b.json")
    assert "whose id it does not log" not in found["function invoked"].seen


def test_an_invocation_for_an_earlier_object_of_that_key_is_not_taken_for_it(world: World) -> None:
    world.notifications = {"LambdaFunctionConfigurations": [notification() | {"LambdaFunctionArn": WORKER}]}
    world.ran('"key": "a.json"', after=-5)

    assert traced(world, "a.json")["function invoked"].state == "failed"


def test_a_key_that_another_one_ends_with_is_not_taken_for_it(world: World) -> None:
    world.notifications = {"LambdaFunctionConfigurations": [notification() | {"LambdaFunctionArn": WORKER}]}
    world.ran('"key": "in/a.json"', request="r-1")
    world.ran('"key": "a.json"', request="r-2")

    assert traced(world, "a.json")["function invoked"].seen == "worker: request r-2"


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (notification(Prefix="in/", Suffix=".json"), ""),
        (notification("s3:ObjectCreated:Put"), ""),
        (notification("s3:ObjectCreated:*", prefix="out/"), f"the prefix 'out/' does not match {KEY!r}"),
        (
            notification(Prefix="a", Suffix=".png"),
            f"the prefix 'a' does not match {KEY!r} and the suffix '.png' does not match {KEY!r}",
        ),
        (
            notification("s3:ObjectRemoved:*"),
            "the notification waits for s3:ObjectRemoved:*, not for s3:ObjectCreated:Put",
        ),
    ],
)
def test_a_notification_says_why_it_is_not_sent(one: dict[str, Any], reason: str) -> None:
    assert why_not(one, KEY) == reason


def test_an_object_that_no_notification_is_for_is_where_it_ends(world: World) -> None:
    world.notifications = {"QueueConfigurations": [notification(Prefix="copy/") | {"QueueArn": QUEUE}]}

    found = traced(world, "a")

    assert list(found) == ["accepted by S3", "matched a notification"]
    assert found["matched a notification"].state == "failed"
    assert found["matched a notification"].seen == "jobs: the prefix 'copy/' does not match 'a'"


def test_a_bucket_that_notifies_nobody_is_no_failure(world: World) -> None:
    hop = traced(world, "a")["matched a notification"]

    assert (hop.state, hop.seen) == ("unknown", "objects notifies nobody of new objects")


def test_a_notification_to_a_topic_is_followed_to_its_subscriptions(world: World) -> None:
    world.notifications = {"TopicConfigurations": [notification() | {"TopicArn": TOPIC}]}

    assert traced(world, "a")["matched a subscription"].seen == "no subscription takes it; news has 0"


def test_no_rule_need_wait_for_what_a_function_hears_of(world: World) -> None:
    world.notifications = {
        "LambdaFunctionConfigurations": [notification() | {"LambdaFunctionArn": WORKER}],
        "EventBridgeConfiguration": {},
    }
    world.ran('{"object": {"key": "in/%C3%BC+b.json"}}')

    found = traced(world, KEY)

    assert {hop.state for hop in found.values()} == {"reached"}
    assert "matched a rule" not in found


def test_a_rule_must_wait_for_what_nobody_else_hears_of(world: World) -> None:
    world.notifications = {"EventBridgeConfiguration": {}}

    assert traced(world, KEY)["matched a rule"].state == "failed"
