"""Checks of the functions' behaviour. Each takes a fraction of a second and begins with an empty bucket."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from harness import assert_encrypted
from tests.system import assert_latest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.system import Scenario

type Check = Callable[[Scenario], None]

LATER = timedelta(seconds=1)


def event(moment: datetime) -> dict[str, Any]:
    return {"id": str(uuid4()), "detail": {"timestamp": moment.isoformat()}}


def write(scenario: Scenario, given: Mapping[str, Any]) -> dict[str, Any]:
    """Invoke the writer and return its answer."""
    answer = scenario.client("lambda").invoke(
        FunctionName=scenario.system.create_function_arn, Payload=json.dumps(given)
    )
    result: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, result
    return result


def pointed_at(scenario: Scenario) -> str:
    system = scenario.system
    body = scenario.client("s3").get_object(Bucket=system.bucket_name, Key=system.pointer_key)["Body"]
    return str(json.loads(body.read())["key"])


def lose_pointer(scenario: Scenario) -> None:
    system = scenario.system
    scenario.client("s3").delete_object(Bucket=system.bucket_name, Key=system.pointer_key)


def the_first_object_is_written(scenario: Scenario) -> None:
    key = write(scenario, event(datetime.now(UTC)))["key"]
    assert_encrypted(scenario.stored(key), key_arn=scenario.system.kms_key_arn)
    assert pointed_at(scenario) == key


def a_later_object_moves_the_pointer_and_an_earlier_one_does_not(scenario: Scenario) -> None:
    now = datetime.now(UTC)
    write(scenario, event(now - LATER))
    newest = write(scenario, event(now))["key"]
    write(scenario, event(now - 2 * LATER))
    assert pointed_at(scenario) == newest


def a_second_delivery_changes_nothing(scenario: Scenario) -> None:
    given = event(datetime.now(UTC))
    first, second = write(scenario, given), write(scenario, given)
    assert first["created"]
    assert second == {**first, "created": False}


def the_writer_finds_its_way_without_the_pointer(scenario: Scenario) -> None:
    now = datetime.now(UTC)
    newest = write(scenario, event(now))["key"]
    lose_pointer(scenario)
    write(scenario, event(now - LATER))
    assert pointed_at(scenario) == newest


def an_empty_bucket_is_a_404(scenario: Scenario) -> None:
    assert scenario.latest().status == 404


def the_newest_is_read(scenario: Scenario) -> None:
    key = write(scenario, event(datetime.now(UTC)))["key"]
    assert_latest(scenario.latest(), scenario.stored(key))


def the_newest_is_read_without_the_pointer(scenario: Scenario) -> None:
    key = write(scenario, event(datetime.now(UTC)))["key"]
    lose_pointer(scenario)
    assert_latest(scenario.latest(), scenario.stored(key))


WRITER: tuple[Check, ...] = (
    the_first_object_is_written,
    a_later_object_moves_the_pointer_and_an_earlier_one_does_not,
    a_second_delivery_changes_nothing,
    the_writer_finds_its_way_without_the_pointer,
)
READER: tuple[Check, ...] = (
    an_empty_bucket_is_a_404,
    the_newest_is_read,
    the_newest_is_read_without_the_pointer,
)
