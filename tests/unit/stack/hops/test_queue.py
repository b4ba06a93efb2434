from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from harness.stack.hops import trace_sent
from tests.unit.stack.hops.world import DEAD, QUEUE, sent

if TYPE_CHECKING:
    from harness.stack.hops import Hop
    from harness.values import Sent
    from tests.unit.stack.hops.world import World

REDRIVE = {"deadLetterTargetArn": DEAD, "maxReceiveCount": 3}


def traced(world: World, message: Sent) -> dict[str, Hop]:
    return {hop.name: hop for hop in trace_sent(world.stack(), message, patience=0)}


def states(found: dict[str, Hop]) -> dict[str, str]:
    return {name: hop.state for name, hop in found.items()}


def test_a_message_that_a_function_takes_reaches_every_hop_with_its_payload(world: World) -> None:
    message = sent(QUEUE, {"order": 1})
    world.maps()
    world.redrive[QUEUE] = REDRIVE
    world.ran(f"got {message.id}")

    found = traced(world, message)

    assert {name: (hop.state, hop.payload) for name, hop in found.items()} == {
        "accepted by SQS": ("reached", '{"order": 1}'),
        "mapped to a function": ("reached", '{"order": 1}'),
        "function invoked": (
            "reached",
            f'{{"Records": [{{"body": "{{\\"order\\": 1}}", "eventSourceARN": "{QUEUE}"}}]}}',
        ),
        "function returned": ("reached", ""),
    }


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        ({"State": "Disabled"}, "worker: the mapping is disabled"),
        (
            {"FilterCriteria": {"Filters": [{"Pattern": '{"body": {"kind": ["order"]}}'}]}},
            'worker: the mapping\'s filter does not match: {"body": {"kind": ["order"]}}',
        ),
        (
            {"FilterCriteria": {"Filters": [{"Pattern": '{"body": {"kind": [{"moon": 1}]}}'}]}},
            'worker: the mapping\'s filter does not match: {"body": {"kind": [{"moon": 1}]}}',
        ),
    ],
)
def test_a_mapping_that_does_not_take_a_message_says_why(
    world: World, mapping: dict[str, Any], reason: str
) -> None:
    world.maps(**mapping)

    found = traced(world, sent(QUEUE, {"kind": "bill"}))

    assert states(found) == {
        "accepted by SQS": "reached",
        "mapped to a function": "failed",
        "function invoked": "unreached",
        "function returned": "unreached",
    }
    assert found["mapped to a function"].seen == reason


def test_a_filter_that_matches_lets_the_message_through_and_others_are_named(world: World) -> None:
    message = sent(QUEUE, {"kind": "order"})
    world.maps(FilterCriteria={"Filters": [{"Pattern": '{"body": {"kind": ["order"]}}'}]})
    world.maps(State="Disabled")
    world.ran(message.id)

    found = traced(world, message)

    assert set(states(found).values()) == {"reached"}
    assert found["mapped to a function"].seen == "worker\nnot to worker: the mapping is disabled"


def test_a_message_that_failed_is_found_in_the_dead_letter_queue(world: World) -> None:
    message = sent(QUEUE, {"poison": 1})
    world.maps()
    world.redrive[QUEUE] = REDRIVE
    world.ran(message.id, "[ERROR] ValueError: poison")
    world.lies_in(DEAD, '{"poison": 1}', MessageId=message.id)

    found = traced(world, message)

    assert found["function returned"].seen.startswith("request r-1: ValueError: poison")
    dead = found["in the dead-letter queue"]
    assert (dead.state, dead.payload) == ("reached", '{"poison": 1}')
    assert dead.seen == "dead: the message lies there; 3 receives are allowed"


def test_a_message_that_is_still_tried_again_is_not_lost(world: World) -> None:
    message = sent(QUEUE)
    world.maps()
    world.redrive[QUEUE] = REDRIVE
    world.ran(message.id, "[ERROR] ValueError: poison")
    world.lies_in(DEAD, "another")

    dead = traced(world, message)["in the dead-letter queue"]

    assert dead.state == "unknown"
    assert dead.seen.startswith("dead: not seen there; 3 receives are allowed; jobs: 0 messages wait")


def test_a_message_of_a_batch_that_is_reported_as_failed_lies_in_the_dead_letter_queue(world: World) -> None:
    message = sent(QUEUE)
    world.maps()
    world.redrive[QUEUE] = REDRIVE
    world.ran(message.id)
    world.lies_in(DEAD, message.payload, MessageId=message.id)

    found = traced(world, message)

    assert found["function returned"].state == "reached"
    assert found["in the dead-letter queue"].state == "failed"
    assert "although the function returned" in found["in the dead-letter queue"].seen


def test_a_failure_without_a_dead_letter_queue_says_so(world: World) -> None:
    message = sent(QUEUE)
    world.maps()
    world.ran(message.id, "[ERROR] ValueError: poison")

    dead = traced(world, message)["in the dead-letter queue"]

    assert (dead.state, dead.seen) == (
        "unreached",
        "jobs has none: the message comes again until it is too old",
    )


def test_only_the_last_try_of_a_message_counts(world: World) -> None:
    message = sent(QUEUE)
    world.maps()
    world.ran(message.id, "[ERROR] ValueError: poison", request="r-1")
    world.ran(message.id, request="r-2", after=5)

    found = traced(world, message)

    assert found["function invoked"].seen == "worker: request r-1, r-2"
    assert set(states(found).values()) == {"reached"}


def test_functions_that_take_from_a_dead_letter_queue_are_followed(world: World) -> None:
    message = sent(QUEUE)
    world.maps()
    world.maps(DEAD, State="Disabled")
    world.redrive[QUEUE] = REDRIVE
    world.ran(message.id, "[ERROR] ValueError: poison")

    trace = trace_sent(world.stack(), message, patience=0)

    assert [hop.seen for hop in trace if hop.name == "mapped to a function"] == [
        "worker",
        "worker: the mapping is disabled",
    ]


def test_a_queue_that_is_its_own_dead_letter_queue_ends_the_trace(world: World) -> None:
    message = sent(QUEUE)
    world.maps()
    world.redrive[QUEUE] = {"deadLetterTargetArn": QUEUE, "maxReceiveCount": 3}
    world.ran(message.id, "[ERROR] ValueError: poison")

    assert trace_sent(world.stack(), message, patience=0)[-1].seen == "jobs again: it goes in a circle"


def test_a_message_that_nobody_takes_waits_in_the_queue(world: World) -> None:
    message = sent(QUEUE, "hello")
    world.lies_in(QUEUE, "hello", MessageId=message.id)

    waits = traced(world, message)["in the queue"]

    assert (waits.state, waits.payload) == ("reached", "hello")
    assert waits.seen == f"jobs: message {message.id} waits there; no function takes from it"


def test_an_equal_message_that_is_older_is_not_taken_for_it(world: World) -> None:
    older = {"Attributes": {"SentTimestamp": str(int((time.time() - 60) * 1000))}}
    world.lies_in(QUEUE, "hello", **older)

    waits = traced(world, sent(QUEUE, "hello"))["in the queue"]

    assert waits.state == "unknown"
    assert waits.seen.startswith("jobs: it is not visible there; 1 messages wait")


def test_a_queue_that_would_move_a_message_that_is_looked_at_is_not_looked_into(world: World) -> None:
    world.redrive[QUEUE] = REDRIVE
    world.refused = {"receive_message"}

    waits = traced(world, sent(QUEUE))["in the queue"]

    assert waits.state == "unknown"
    assert "a look would count as a receive" in waits.seen


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("list_event_source_mappings", "mapped to a function"),
        ("get_function_configuration", "function invoked"),
        ("get_queue_attributes", "in the dead-letter queue"),
    ],
)
def test_what_aws_refuses_to_show_is_unknown(world: World, call: str, name: str) -> None:
    message = sent(QUEUE)
    world.maps()
    world.ran(message.id)
    world.refused = {call}

    hop = traced(world, message)[name]

    assert hop.state == "unknown"
    assert "no luck" in hop.seen


def test_what_a_function_may_have_named_as_failed_comes_again(world: World) -> None:
    message = sent(QUEUE, {"order": 1})
    world.maps(FunctionResponseTypes=["ReportBatchItemFailures"])
    world.redrive[QUEUE] = REDRIVE
    world.ran(f"got {message.id}")

    assert "in the dead-letter queue" not in traced(world, message)

    world.lies_in(QUEUE, message.payload, MessageId=message.id)
    dead = traced(world, message)["in the dead-letter queue"]

    assert dead.state == "unknown"
    assert "the records that the function reported as failed come again within ? s; " in dead.seen
