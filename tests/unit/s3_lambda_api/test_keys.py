from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from s3_lambda_api.keys import (
    INDEX_PREFIX,
    OBJECT_PREFIX,
    ObjectName,
    parse_index_key,
    parse_key,
)

moments = st.datetimes(timezones=st.just(UTC))
ids = st.integers(0, 2**32 - 1).map("{:08x}".format)
names = st.builds(ObjectName, moments, ids)


def test_the_documented_example() -> None:
    name = ObjectName(datetime(2026, 11, 23, 9, 30, tzinfo=UTC), "0a1b2c3d")
    assert name.key == "hello_world_2026-11-23T09-30-00.000000Z_0a1b2c3d.txt"
    assert name.body == b"Hello World. The current timestamp is 2026-11-23T09:30:00.000000Z."


@given(names, names)
@example(
    ObjectName(datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC), "00000000"),
    ObjectName(datetime(2026, 1, 1, 0, 0, 5, 999_999, tzinfo=UTC), "00000000"),
)
@example(
    ObjectName(datetime.min.replace(tzinfo=UTC), "00000000"),
    ObjectName(datetime.max.replace(tzinfo=UTC), "ffffffff"),
)
def test_the_order_of_keys_is_the_order_of_times(one: ObjectName, other: ObjectName) -> None:
    assert (one.key < other.key) == ((one.moment, one.id) < (other.moment, other.id)) == (one < other)


@given(names, names)
def test_the_order_of_index_keys_is_the_reverse(one: ObjectName, other: ObjectName) -> None:
    assert (one.index_key > other.index_key) == (one < other)


@given(names)
def test_keys_have_one_width_and_no_colon(name: ObjectName) -> None:
    assert len(name.key) == 52
    assert len(name.index_key) == len(INDEX_PREFIX) + 24
    assert ":" not in name.key


@given(names)
def test_an_object_key_reads_back(name: ObjectName) -> None:
    assert parse_key(name.key) == name


@given(names)
def test_an_index_key_reads_back(name: ObjectName) -> None:
    assert parse_index_key(name.index_key) == name


@given(st.text())
def test_any_text_is_ignored_or_is_its_own_canonical_key(text: str) -> None:
    for candidate in (text, OBJECT_PREFIX + text):
        name = parse_key(candidate)
        assert name is None or name.key == candidate


@given(
    st.from_regex(
        r"\Ahello_world_[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}-[0-9]{2}\.[0-9]{6}Z_[0-9a-f]{8}\.txt\Z"
    )
)
def test_digits_that_make_no_time_are_ignored(key: str) -> None:
    name = parse_key(key)
    assert name is None or name.key == key


@given(st.from_regex(r"\Aby_newest/[0-9a-f]{24}\Z"))
@example("by_newest/000000000000000000000000")
@example("by_newest/ffffffffffffffffffffffff")
def test_digits_beyond_the_last_year_are_ignored(key: str) -> None:
    name = parse_index_key(key)
    assert name is None or name.index_key == key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "latest.json",
        "hello_world_",
        "hello_world_2026-11-23T09:30:00.000000Z_0a1b2c3d.txt",
        "hello_world_2026-11-23T09-30-00Z_0a1b2c3d.txt",
        "hello_world_2026-13-23T09-30-00.000000Z_0a1b2c3d.txt",
        "hello_world_2026-11-23T24-00-00.000000Z_0a1b2c3d.txt",
        "hello_world_2026-11-23T23-59-60.000000Z_0a1b2c3d.txt",
        "hello_world_0000-11-23T09-30-00.000000Z_0a1b2c3d.txt",
        "hello_world_2026-11-23T09-30-00.000000Z_0A1B2C3D.txt",
        "hello_world_2026-11-23T09-30-00.000000Z_0a1b2c3d.txt\n",
        "hello_world_２０２６-11-23T09-30-00.000000Z_0a1b2c3d.txt",  # noqa: RUF001 - digits, but not these
    ],
)
def test_malformed_object_keys_are_ignored(key: str) -> None:
    assert parse_key(key) is None


def test_the_index_sorts_before_the_objects() -> None:
    assert INDEX_PREFIX < OBJECT_PREFIX
