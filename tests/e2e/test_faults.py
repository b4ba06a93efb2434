"""The system under faults: nothing is lost, duplicates collapse, and the API says 503 until it can answer."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from harness import assert_encrypted, eventually
from tests.system import Scenario, assert_latest

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.stack.faults import Calls, Fault, Faults
    from harness.values import StoredObject

WRITER_ATTEMPTS = 4
BURST = 6
REPEATED = 60.0  # seconds: an asynchronous run that has failed is repeated after one, and after two more


@pytest.fixture
def objects(faults: Faults, scenario: Scenario) -> Callable[..., Calls]:
    """Return a function that selects the calls about timestamp objects, but not index or pointer."""
    return lambda operation: faults.s3(operation, key=f"{scenario.system.object_prefix}*")


def _recorded(scenario: Scenario, stored: StoredObject) -> StoredObject:
    """Wait until the pointer is at an object. The writer moves the pointer last."""
    eventually(
        lambda: _pointed_at(scenario), until=stored.key.__eq__, what=f"the pointer to be at {stored.key}"
    )
    return stored


def _pointed_at(scenario: Scenario) -> str:
    try:
        body = scenario.stored(scenario.system.pointer_key).body
    except scenario.client("s3").exceptions.NoSuchKey:
        return "nothing"
    return str(json.loads(body).get("key", "nothing"))


def _versions(scenario: Scenario, key: str) -> list[str]:
    """Return the versions of an object in S3. Each successful PUT creates one."""
    listed = scenario.client("s3").list_object_versions(Bucket=scenario.system.bucket_name, Prefix=key)
    return [version["VersionId"] for version in listed["Versions"] if version["Key"] == key]


def _delivered(scenario: Scenario, event: dict[str, object]) -> dict[str, Any]:
    """Deliver an event to the writer, and return its answer."""
    answer = scenario.client("lambda").invoke(
        FunctionName=scenario.system.create_function_arn, Payload=json.dumps(event)
    )
    result: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, result
    return result


def _event(moment: datetime) -> dict[str, object]:
    """Return an event as EventBridge delivers it."""
    return {
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "source": "a test",
        "detail-type": "Create Encrypted Timestamp",
        "detail": {"timestamp": moment.isoformat()},
    }


def test_with_no_fault_everything_passes_untouched(faults: Faults, scenario: Scenario) -> None:
    stored = scenario.fire_and_wait()

    assert_encrypted(stored, key_arn=scenario.system.kms_key_arn)
    assert_latest(scenario.latest(), stored)
    assert faults.seen == []


def test_a_throttled_write_is_repeated_until_it_succeeds(
    objects: Callable[..., Calls], scenario: Scenario
) -> None:
    with objects("PutObject").throttled(times=2) as throttling:
        stored = scenario.fire_and_wait()

    assert [(call.key, call.status) for call in throttling.seen] == [(stored.key, 503)] * 2
    assert scenario.keys() == [stored.key]
    assert len(_versions(scenario, stored.key)) == 1


@pytest.mark.once
def test_a_write_whose_answer_is_lost_is_not_made_twice(
    objects: Callable[..., Calls], scenario: Scenario
) -> None:
    with objects("PutObject").answer_lost(times=1) as loss:
        stored = scenario.fire_and_wait()

    assert [call.status for call in loss.seen] == [200]
    assert scenario.keys() == [stored.key]
    assert stored.body.decode().startswith("Hello World. The current timestamp is ")
    assert len(_versions(scenario, stored.key)) == 1
    assert_latest(scenario.latest(), stored)


@pytest.mark.once
def test_a_pointer_whose_answer_is_lost_still_leads_to_the_newest(faults: Faults, scenario: Scenario) -> None:
    older = scenario.fire_and_wait()
    pointer = faults.s3("PutObject", key=scenario.system.pointer_key)

    with pointer.answer_lost(times=1) as loss:
        newest = scenario.fire_and_wait()

    assert [call.status for call in loss.seen] == [200]
    assert scenario.keys() == [older.key, newest.key]
    assert_latest(scenario.latest(), newest)


def test_dropped_connections_are_opened_anew(faults: Faults, scenario: Scenario) -> None:
    with faults.s3().dropped(times=2) as drops:
        stored = scenario.fire_and_wait()

    assert len(drops.seen) == 2
    assert scenario.keys() == [stored.key]


def test_a_write_that_kms_throttles_is_repeated(faults: Faults, scenario: Scenario) -> None:
    data_keys = faults.kms("GenerateDataKey", key=f"{scenario.system.object_prefix}*")

    with data_keys.fails("KMS.ThrottlingException", status=503, times=2) as throttling:
        stored = scenario.fire_and_wait()

    assert len(throttling.seen) == 2
    assert scenario.keys() == [stored.key]
    assert_encrypted(stored, key_arn=scenario.system.kms_key_arn)


@pytest.mark.once
@pytest.mark.parametrize(
    "broken",
    [
        lambda faults: faults.s3("GetObject").fails("ServiceUnavailable", status=503),
        lambda faults: faults.s3("GetObject").throttled(),
        lambda faults: faults.s3("GetObject").dropped(),
        lambda faults: faults.s3("GetObject").answer_lost(),
        lambda faults: faults.kms("Decrypt").throttled(),
    ],
    ids=["unavailable", "throttled", "dropped", "answer lost", "kms throttled"],
)
def test_the_api_says_503_while_s3_can_not_answer_and_recovers(
    faults: Faults, scenario: Scenario, broken: Callable[[Faults], Any]
) -> None:
    stored = scenario.fire_and_wait()

    with broken(faults) as fault:
        degraded = scenario.latest()

    assert degraded.status == 503
    assert degraded.headers["retry-after"] == "1"
    assert degraded.headers["cache-control"] == "no-store"
    assert fault.seen
    assert_latest(scenario.latest(), stored)


@pytest.mark.once
def test_one_failure_of_s3_is_not_seen_at_the_api(faults: Faults, scenario: Scenario) -> None:
    stored = scenario.fire_and_wait()

    with faults.s3("GetObject").fails(times=1) as fault:
        response = scenario.latest()

    assert len(fault.seen) == 1
    assert_latest(response, stored)


@pytest.mark.once
def test_an_s3_that_hangs_is_a_503_before_the_function_runs_out_of_time(
    faults: Faults, scenario: Scenario
) -> None:
    stored = scenario.fire_and_wait()

    with faults.s3("GetObject").delayed(20):
        response = scenario.latest()

    assert (response.status, response.headers["retry-after"]) == (503, "1")
    assert_latest(scenario.latest(), stored)


@pytest.mark.once
def test_a_slow_s3_makes_the_api_slow_and_nothing_else(faults: Faults, scenario: Scenario) -> None:
    stored = scenario.fire_and_wait()

    with faults.s3("GetObject").delayed(1.0, times=1) as delay:
        response = scenario.latest()

    assert len(delay.seen) == 1
    assert response.elapsed >= 1.0
    assert_latest(response, stored)


@pytest.mark.once
def test_an_outage_in_a_burst_of_events_loses_none(faults: Faults, scenario: Scenario) -> None:
    moments = _moments()
    with ExitStack() as outage, ThreadPoolExecutor(BURST) as pool:
        down = _each_down(outage, faults, moments, calls=WRITER_ATTEMPTS - 1)
        fired = list(pool.map(lambda moment: scenario.fire(timestamp=moment), moments))
        stored = [scenario.object_of(event) for event in fired]

        assert [len(fault.seen) for fault in down] == [WRITER_ATTEMPTS - 1] * BURST
    assert scenario.keys() == sorted(found.key for found in stored)
    assert_latest(scenario.latest(), stored[0])


def test_an_outage_longer_than_a_run_of_the_function_loses_no_event_either(
    faults: Faults, scenario: Scenario
) -> None:
    moments = _moments()
    with ExitStack() as outage:
        down = _each_down(outage, faults, moments, calls=WRITER_ATTEMPTS)
        for moment in moments:
            scenario.client("lambda").invoke(
                FunctionName=scenario.system.create_function_arn,
                InvocationType="Event",  # as EventBridge does; MiniStack repeats only what came this way
                Payload=json.dumps(_event(moment)),
            )
        keys = eventually(
            scenario.keys,
            until=lambda seen: len(seen) == BURST,
            what=f"{BURST} objects in the bucket",
            timeout=REPEATED,
        )

        assert [len(fault.seen) for fault in down] == [WRITER_ATTEMPTS] * BURST
        newest = _recorded(scenario, scenario.stored(keys[-1]))
    assert all(len(_versions(scenario, key)) == 1 for key in keys)
    assert_latest(scenario.latest(), newest)


def _moments() -> list[datetime]:
    """Return the times of a burst of events, newest first."""
    now = datetime.now(UTC)
    return [now - timedelta(seconds=number) for number in range(BURST)]


def _each_down(outage: ExitStack, faults: Faults, moments: list[datetime], *, calls: int) -> list[Fault]:
    """For the object of each moment, drop the first `calls` connections that write it."""
    writes = [faults.s3("PutObject", key=f"*{moment:%H-%M-%S.%f}Z_*.txt") for moment in moments]
    return [outage.enter_context(write.dropped(times=calls)) for write in writes]


@pytest.mark.once
def test_an_event_delivered_twice_at_once_with_answers_lost_makes_one_object(
    objects: Callable[..., Calls], scenario: Scenario
) -> None:
    event = _event(datetime.now(UTC))

    with objects("PutObject").answer_lost(times=2) as loss, ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: _delivered(scenario, event), range(2)))

    (key,) = {result["key"] for result in results}
    assert len(loss.seen) == 2
    assert scenario.keys() == [key]
    assert len(_versions(scenario, key)) == 1
    assert_latest(scenario.latest(), scenario.stored(key))


def test_an_invocation_whose_answer_is_lost_is_made_again_and_makes_one_object(
    faults: Faults, scenario: Scenario
) -> None:
    event = _event(datetime.now(UTC))

    with faults.lambda_(scenario.system.create_function_name).answer_lost(times=1) as loss:
        answer = faults.client("lambda").invoke(
            FunctionName=scenario.system.create_function_arn, Payload=json.dumps(event)
        )

    result = json.loads(answer["Payload"].read())
    assert [call.status for call in loss.seen] == [200]
    assert result["created"] is False  # by the run whose answer was lost
    assert scenario.keys() == [result["key"]]
    assert len(_versions(scenario, result["key"])) == 1


def test_a_throttled_function_is_not_run_until_it_may_be_again(faults: Faults, scenario: Scenario) -> None:
    client, name = scenario.client("lambda"), scenario.system.create_function_name
    payload = json.dumps(_event(datetime.now(UTC)))

    with faults.function_throttled(name), pytest.raises(client.exceptions.TooManyRequestsException):
        client.invoke(FunctionName=name, Payload=payload)

    assert scenario.keys() == []
    answer = client.invoke(FunctionName=name, Payload=payload)
    assert scenario.keys() == [json.loads(answer["Payload"].read())["key"]]


@pytest.mark.differs("ministack", "MiniStack 1.5.33 does not limit the concurrency of a function's versions")
def test_the_api_says_that_its_function_is_throttled_and_recovers(faults: Faults, scenario: Scenario) -> None:
    stored = scenario.fire_and_wait()

    with faults.function_throttled(scenario.system.retrieve_function_name):
        assert scenario.latest().status in {429, 500, 502, 503}

    assert_latest(scenario.latest(), stored)
