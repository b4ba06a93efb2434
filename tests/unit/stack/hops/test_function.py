"""The destinations of an invocation's outcome, and the records on a stream."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.stack.hops import trace_sent
from harness.stack.resources import InvokeResult
from tests.unit.stack.hops.world import DEAD, QUEUE, WORKER, arn, sent

if TYPE_CHECKING:
    from harness.stack.hops import Hop
    from harness.values import Sent
    from tests.unit.stack.hops.world import World

TO_QUEUE = {"Destination": QUEUE}
STREAM = arn("dynamodb", "table/orders/stream/1")


def traced(world: World, what: Sent) -> dict[str, Hop]:
    return {hop.name: hop for hop in trace_sent(world.stack(), what, patience=0)}


def test_a_failure_without_a_destination_is_lost(world: World) -> None:
    call = sent(WORKER, {"a": 1}, id="r-1")
    world.invoke_config = {"MaximumRetryAttempts": 0}
    world.ran("[ERROR] ValueError: x")

    found = traced(world, call)

    assert found["function invoked"].seen == "worker: request r-1"
    assert found["function invoked"].payload == '{"a": 1}'
    assert found["outcome handed on"].state == "unreached"
    assert "neither a destination for failures nor a dead-letter queue" in found["outcome handed on"].seen


def test_a_failure_is_followed_to_its_destination(world: World) -> None:
    call = sent(WORKER, {"a": 1}, id="r-1")
    world.invoke_config = {"MaximumRetryAttempts": 0, "DestinationConfig": {"OnFailure": TO_QUEUE}}
    world.ran("[ERROR] ValueError: x")
    note = json.dumps({"requestContext": {"requestId": "r-1"}, "responsePayload": {"errorMessage": "x"}})
    world.lies_in(QUEUE, note)

    found = traced(world, call)

    assert found["function returned"].state == "failed"
    assert (found["outcome handed on"].state, found["outcome handed on"].seen) == (
        "reached",
        "to the destination jobs",
    )
    assert json.loads(found["outcome handed on"].payload) == {
        "requestContext": {"requestId": "r-1", "functionArn": WORKER, "condition": "RetriesExhausted"},
        "requestPayload": {"a": 1},
    }
    assert found["in the queue"].payload == note


@pytest.mark.parametrize("body", ['{"a":1}', '{"requestPayload": {"a": 1}}'])
def test_what_an_emulator_names_otherwise_is_found_by_its_content(world: World, body: str) -> None:
    call = sent(WORKER, {"a": 1}, id="r-1")
    world.invoke_config = {"MaximumRetryAttempts": 0}
    world.function = {"DeadLetterConfig": {"TargetArn": DEAD}}
    world.ran("[ERROR] ValueError: x")
    world.lies_in(DEAD, body, Attributes={"SentTimestamp": "9999999999999"})

    found = traced(world, call)

    assert found["outcome handed on"].seen == "to the dead-letter queue dead"
    assert found["in the queue"].payload == body


def test_a_failure_that_is_tried_again_is_not_handed_on_yet(world: World) -> None:
    call = sent(WORKER, id="r-1")
    world.invoke_config = {"DestinationConfig": {"OnFailure": TO_QUEUE}}
    world.ran("[ERROR] ValueError: x")

    found = traced(world, call)

    assert found["outcome handed on"].state == "unknown"
    assert found["outcome handed on"].seen == "not yet to jobs: attempt 1 of 3 has failed"
    assert "in the queue" not in found


@pytest.mark.parametrize(
    ("config", "names"),
    [
        ({}, ["accepted by Lambda", "function invoked", "function returned"]),
        (
            {"DestinationConfig": {"OnSuccess": TO_QUEUE, "OnFailure": {}}},
            [
                "accepted by Lambda",
                "function invoked",
                "function returned",
                "outcome handed on",
                "in the queue",
            ],
        ),
    ],
)
def test_a_success_is_handed_on_only_if_somebody_wants_it(
    world: World, config: dict[str, Any], names: list[str]
) -> None:
    world.invoke_config = config
    world.ran("fine")

    assert list(traced(world, sent(WORKER, id="r-1"))) == names


def test_an_answer_is_traced_by_what_the_function_was_called_with(world: World) -> None:
    call = sent(WORKER, id="r-1", is_answered=True)
    answer = InvokeResult(
        payload=None, error_type="E", error_message="x", log_tail="", request_id="r-1", sent=call
    )
    world.ran("[ERROR] ValueError: x")

    trace = world.stack().trace(answer)

    assert [hop.name for hop in trace] == ["accepted by Lambda", "function invoked", "function returned"]
    assert trace[-1].state == "failed"


def test_several_things_that_were_sent_are_traced_one_after_another(world: World) -> None:
    first, second = sent(WORKER, id="r-1"), sent(WORKER, id="r-2", is_answered=True)
    answer = InvokeResult(
        payload=None, error_type="", error_message="", log_tail="", request_id="r-2", sent=second
    )
    stack = world.stack()

    assert stack.trace([first, answer]) == (*stack.trace(first), *stack.trace(answer))
    assert stack.trace([]) == ()


def test_a_destination_that_is_refused_is_unknown(world: World) -> None:
    world.ran("[ERROR] ValueError: x")
    world.refused = {"get_function_event_invoke_config"}

    hop = traced(world, sent(WORKER, id="r-1"))["outcome handed on"]

    assert hop.state == "unknown"
    assert "no luck" in hop.seen


def test_a_function_logs_where_its_configuration_says(world: World) -> None:
    world.function = {"LoggingConfig": {"LogGroup": "/elsewhere"}}
    world.ran("fine")

    hop = traced(world, sent(WORKER, id="r-1"))["function invoked"]

    assert hop.state == "unknown"  # the fake of the log refuses any other group
    assert hop.seen.startswith("AssertionError")


def test_what_goes_to_a_service_that_is_not_followed_is_unknown(world: World) -> None:
    hop = traced(world, sent(arn("ecs", "cluster/c")))["followed onward"]

    assert (hop.state, hop.seen) == ("unknown", f"the harness does not follow into {arn('ecs', 'cluster/c')}")


def table(world: World, **mapping: Any) -> Sent:  # noqa: ANN401 - as Lambda has mappings
    world.table = {
        "LatestStreamArn": STREAM,
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    }
    world.maps(STREAM, **mapping)
    return sent(arn("dynamodb", "table/orders"), {"id": {"S": "a-1"}, "n": {"N": "3"}}, id="a-1")


def test_an_item_goes_by_the_stream_to_the_function(world: World) -> None:
    pattern = {"dynamodb": {"NewImage": {"n": {"N": ["3"]}}}}
    item = table(world, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    world.ran('{"id": {"S": "a-1"}}')

    found = traced(world, item)

    assert {hop.state for hop in found.values()} == {"reached"}
    assert '"NewImage": {"id": {"S": "a-1"}, "n": {"N": "3"}}' in found["function invoked"].payload


def test_an_item_that_the_filter_leaves_out_stops_there(world: World) -> None:
    item = table(
        world, FilterCriteria={"Filters": [{"Pattern": '{"dynamodb": {"NewImage": {"n": {"N": ["4"]}}}}'}]}
    )

    assert traced(world, item)["mapped to a function"].state == "failed"


@pytest.mark.parametrize(
    ("pattern", "before", "state"),
    [
        ({"eventName": ["INSERT"]}, None, "reached"),
        ({"eventName": ["INSERT"]}, {"n": {"N": "2"}}, "failed"),
        ({"eventName": ["MODIFY", "REMOVE"]}, {"n": {"N": "2"}}, "reached"),
        ({"dynamodb": {"Keys": {"id": {"S": ["a-1"]}}}}, None, "reached"),
        ({"dynamodb": {"OldImage": {"n": {"N": ["2"]}}}}, {"n": {"N": "2"}}, "reached"),
    ],
)
def test_a_filter_sees_what_became_of_the_item(
    world: World, pattern: object, before: object, state: str
) -> None:
    item = table(world, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    world.table["KeySchema"] = [{"AttributeName": "id", "KeyType": "HASH"}]
    world.table["StreamSpecification"]["StreamViewType"] = "NEW_AND_OLD_IMAGES"

    found = traced(world, replace(item, attributes={"OldImage": before} if before else {}))

    assert found["mapped to a function"].state == state


def test_a_failed_batch_of_a_stream_says_what_becomes_of_it(world: World) -> None:
    item = table(world, MaximumRetryAttempts=1, DestinationConfig={"OnFailure": TO_QUEUE})
    world.ran('"a-1"', "[ERROR] ValueError: x")

    hop = traced(world, item)["in the destination"]

    assert hop.seen == "Lambda tries the batch again 1 times; then a note about it goes to jobs"


def test_a_table_without_a_stream_is_no_failure(world: World) -> None:
    found = traced(world, sent(arn("dynamodb", "table/orders"), id="a-1"))

    assert [hop.state for hop in found.values()] == ["reached", "unknown"]
    assert found["mapped to a function"].seen == "table/orders has no stream"
