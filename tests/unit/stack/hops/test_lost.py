"""A wait ends as soon as nothing more can come of the sent events, and not before."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from harness import NotReachedError, eventually
from harness.aws import outbox
from harness.base import caller
from harness.stack.hops import LossCheck, trace_sent
from tests.unit.stack.hops.test_event import an_event
from tests.unit.stack.hops.world import DEAD, QUEUE, TOPIC, WORKER, World, rule, sent

if TYPE_CHECKING:
    from harness.stack.hops import Stack
    from harness.values import FiredEvent, Sent


@dataclass
class ManualClock:
    """A clock that only a test moves."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float, /) -> None:
        self.now += seconds


def given_up(world: World, *what: FiredEvent | Sent, retry_delay: float = 1.0, wait: float = 30.0) -> float:
    """Return the seconds after which a wait on it ends."""
    clock = ManualClock()
    stack: Any = world.stack()
    stack = replace(stack, endpoint=replace(stack.endpoint, retry_delay=retry_delay))
    lost = LossCheck(stack, *what, clock=clock)
    with pytest.raises(NotReachedError):
        eventually(lambda: "", unless=lost, what="an object", timeout=wait, clock=clock)
    return clock.now


def fired() -> FiredEvent:
    return outbox.remember(an_event())


def test_a_function_that_failed_for_good_ends_the_wait_with_the_reason(world: World) -> None:
    event = fired()
    world.invoke_config = {"MaximumRetryAttempts": 0}
    world.ran("[ERROR] KeyError: 'BUCKET'", f"event {event.id}")
    clock = ManualClock()

    with pytest.raises(NotReachedError, match=r"waited .* until it was lost: function returned: ") as caught:
        eventually(
            lambda: "none",
            until=str.isspace,
            unless=LossCheck(world.stack(), event, clock=clock),
            what="an object",
            clock=clock,
        )

    assert "KeyError: 'BUCKET'" in caught.value.reason
    assert caught.value.last == "none"
    assert clock.now < 3


def test_retries_are_waited_for_as_far_as_the_backend_carries_them_out(world: World) -> None:
    event = fired()
    world.ran("[ERROR] ValueError: x", f"event {event.id}")

    assert 2 <= given_up(world, event) < 4  # of three attempts, the second is due after a second
    world.ran("[ERROR] ValueError: x", f"event {event.id}")
    assert 3 <= given_up(world, event) < 5  # and the third two seconds later
    world.ran("[ERROR] ValueError: x", f"event {event.id}")
    assert given_up(world, event) < 3


def test_where_it_is_not_known_when_retries_come_they_are_waited_for(world: World) -> None:
    event = fired()
    world.ran("[ERROR] ValueError: x", f"event {event.id}")

    assert given_up(world, event, retry_delay=0.0) >= 30


def test_a_retry_that_goes_well_keeps_the_wait_going(world: World) -> None:
    event = fired()
    world.ran("[ERROR] ValueError: x", f"event {event.id}")
    world.ran("fine", f"event {event.id}", request="r-2")

    assert given_up(world, event) >= 30


@pytest.mark.parametrize("seen", [(), ("fine",)])
def test_what_may_still_come_is_waited_for(world: World, seen: tuple[str, ...]) -> None:
    event = fired()
    if seen:
        world.ran(*seen, event.id)

    assert given_up(world, event) >= 30


def test_an_event_that_no_rule_matches_is_lost(world: World) -> None:
    world.rules = [rule(EventPattern='{"source": ["bakery"]}')]

    assert given_up(world, fired()) < 3


def test_a_rule_without_a_target_is_the_end(world: World) -> None:
    world.targets = {}

    assert given_up(world, fired()) < 3


def test_all_targets_have_to_fail(world: World) -> None:
    event = fired()
    world.invoke_config = {"MaximumRetryAttempts": 0}
    world.targets = {"placed": [WORKER, QUEUE]}
    world.ran("[ERROR] ValueError: x", f"event {event.id}")

    assert given_up(world, event) >= 30


def test_a_message_in_the_dead_letter_queue_is_lost_and_one_on_its_way_there_is_not(world: World) -> None:
    message = sent(QUEUE, {"poison": 1})
    world.maps()
    world.redrive = {QUEUE: {"deadLetterTargetArn": DEAD, "maxReceiveCount": 1}}
    world.ran("[ERROR] ValueError: x", message.id)

    assert given_up(world, message) >= 30
    world.lies_in(DEAD, message.payload, Attributes={"SentTimestamp": "9999999999999"})
    assert given_up(world, message) < 3


def test_what_is_handed_on_to_a_destination_is_lost_once_it_lies_there(world: World) -> None:
    call = sent(WORKER, {"a": 1}, id="r-1")
    world.invoke_config = {
        "MaximumRetryAttempts": 0,
        "DestinationConfig": {"OnFailure": {"Destination": DEAD}},
    }
    world.ran("[ERROR] ValueError: x")

    assert given_up(world, call, retry_delay=0.0) >= 30
    assert 2 < given_up(world, call) < 4  # not each emulator hands it on
    world.lies_in(DEAD, '{"requestContext": {"requestId": "r-1"}}')
    assert given_up(world, call) < 3


def test_a_message_that_no_subscription_takes_is_lost(world: World) -> None:
    assert given_up(world, sent(TOPIC, "news")) < 3


def test_all_that_the_test_has_sent_has_to_be_lost(world: World) -> None:
    outbox.begin_test()
    stack: Stack = world.stack()
    world.rules = [rule(EventPattern='{"source": ["bakery"]}')]
    outbox.remember(an_event(), time.time(), stack.endpoint.place)
    elsewhere = sent(QUEUE)
    outbox.remember(elsewhere, time.time(), "another account")
    assert given_up(world) < 3

    outbox.remember(sent(WORKER, id="r-9"), time.time(), stack.endpoint.place)
    assert given_up(world) >= 30


def test_nothing_is_lost_where_nothing_was_sent(world: World) -> None:
    outbox.begin_test()

    assert given_up(world) >= 30


def test_what_a_trace_asks_for_counts_as_no_call_of_the_test(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    callers = set[str]()
    answer = World.client

    def noted(world: World) -> Any:  # noqa: ANN401 - stands in for a boto3 client
        callers.add(caller.current().name)
        return answer(world)

    monkeypatch.setattr(World, "client", noted)
    world.maps()
    with caller.test_of("test_it.py::test_one"):
        trace_sent(world.stack(), sent(QUEUE, {"order": 1}), patience=0)

    assert callers == {"harness"}
