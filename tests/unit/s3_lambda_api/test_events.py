from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_lambda_api.errors import InvalidEventError
from s3_lambda_api.events import occurrence
from s3_lambda_api.keys import ObjectName, parse_key
from tests.unit.s3_lambda_api.conftest import NOW

UUID = "DEADBEEF-1111-2222-3333-444444444444"
REQUEST = "0badf00d-1111-2222-3333-444444444444"
SCHEDULED: dict[str, Any] = {
    "id": UUID,
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "time": "2026-11-23T09:20:00Z",
    "detail": {},
}
ON_DEMAND = SCHEDULED | {
    "detail-type": "Create Encrypted Timestamp",
    "source": "s3_lambda_api.dev",
    "detail": {"timestamp": "2026-11-23T09:20:00.123456Z"},
}
TOLERANCE = timedelta(minutes=5)


def named(event: object) -> ObjectName:
    return occurrence(event, request_id=REQUEST, now=NOW, tolerance=TOLERANCE)


def test_a_scheduled_event_has_whole_seconds() -> None:
    assert named(SCHEDULED) == ObjectName(datetime(2026, 11, 23, 9, 20, tzinfo=UTC), "deadbeef")


def test_an_on_demand_event_has_microseconds() -> None:
    assert named(ON_DEMAND) == ObjectName(datetime(2026, 11, 23, 9, 20, 0, 123456, UTC), "deadbeef")


@pytest.mark.parametrize("event", [{}, {"detail": None}, {"detail": {"timestamp": None}}, {"key1": "value1"}])
def test_a_bare_test_invoke_happens_now_under_the_id_of_its_request(event: dict[str, Any]) -> None:
    assert named(event) == ObjectName(NOW, "0badf00d")


@given(st.text(), st.datetimes(timezones=st.timezones(), max_value=datetime(2026, 1, 1)))  # noqa: DTZ001
def test_one_event_gives_one_name_however_often_it_comes(identifier: str, time: datetime) -> None:
    event = {"id": identifier, "time": time.isoformat()}
    try:
        first = named(event)
    except InvalidEventError:  # before the year 1 in UTC
        return
    later = occurrence(event, request_id=REQUEST, now=NOW + timedelta(days=1), tolerance=TOLERANCE)
    assert later == first
    assert parse_key(first.key) == first


def test_each_tick_of_a_scheduler_is_one_name_under_the_schedules_own_arn() -> None:
    arn = "arn:aws:scheduler:eu-north-1:123456789012:schedule/default/create_schedule"
    tick, next_tick = (
        {"id": arn, "time": f"2026-11-23T09:{minute}:00Z", "detail": {}} for minute in (10, 20)
    )

    assert named(tick) == occurrence(tick, request_id=UUID, now=NOW, tolerance=TOLERANCE)
    assert named(tick) < named(next_tick)


def test_ids_that_are_no_uuid_differ_too() -> None:
    assert named({"id": "one"}) != named({"id": "two"})
    assert named({"id": "deadbeefcafe"}).id != "deadbeef"


def test_another_zone_is_converted() -> None:
    assert named({"id": UUID, "time": "2026-11-23T11:20:00+02:00"}).timestamp == "2026-11-23T09:20:00.000000Z"


def test_the_edge_of_the_tolerance_is_accepted() -> None:
    assert named({"id": UUID, "time": (NOW + TOLERANCE).isoformat()}).moment == NOW + TOLERANCE


def test_the_future_is_rejected() -> None:
    time = (NOW + TOLERANCE + timedelta(microseconds=1)).isoformat()
    with pytest.raises(InvalidEventError, match=r"lies more than 0:05:00 after"):
        named({"id": UUID, "time": time})


@pytest.mark.parametrize(
    "time",
    [
        "",
        "yesterday",
        "2026-11-23T09:20:00",
        1763889600,
        [],
        "2026-11-23T23:59:60Z",
        "0001-01-01T00:00:00+05:00",
    ],
)
def test_a_time_that_cannot_be_read_is_rejected(time: object) -> None:
    with pytest.raises(InvalidEventError, match="expected an ISO 8601 time with a zone, got"):
        named({"id": UUID, "time": time})


def test_a_malformed_timestamp_does_not_fall_back_to_the_time() -> None:
    with pytest.raises(InvalidEventError):
        named(SCHEDULED | {"detail": {"timestamp": "soon"}})


@pytest.mark.parametrize("event", [None, [], "text", 7])
def test_what_is_no_object_is_rejected(event: object) -> None:
    with pytest.raises(InvalidEventError, match="expected a JSON object, got") as caught:
        named(event)
    assert type(event).__name__ in caught.value.problem


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["id", "time", "detail", "timestamp"]), inner)
        ),
    )
)
def test_any_event_gives_a_name_or_a_rejection(event: object) -> None:
    try:
        name = named(event)
    except InvalidEventError:
        return
    assert parse_key(name.key) == name
