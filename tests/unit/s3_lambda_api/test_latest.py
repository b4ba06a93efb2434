from __future__ import annotations

import random
from datetime import timedelta

import pytest

from s3_lambda_api.errors import BusyError
from s3_lambda_api.keys import POINTER_KEY, ObjectName
from s3_lambda_api.latest import Found, latest
from s3_lambda_api.pointer import Pointer
from s3_lambda_api.search import Rules, names_by_descent
from tests.unit.s3_lambda_api.conftest import NOW, RULES, Bucket, fail_with, name_at

GET, LIST = "GetObject", "ListObjectsV2"
MANY = 1_100  # with their index entries, more than two pages
JUNK = (
    "hello_world_",
    "hello_world_2026-11-23T09-99-00.000000Z_00000000.txt",
    "hello_world_zzz",
    "zzz",
    "aaa",
)


def read(bucket: Bucket, rules: Rules = RULES) -> tuple[ObjectName | None, str | None, list[str]]:
    """Return the name in the answer, the repair and the calls."""
    bucket.calls.clear()
    found = latest(bucket.store, rules)
    if found is not None:
        assert_real(bucket, found)
    calls = bucket.calls[: 10 if found is None else -1]
    return (found.stored.name, found.repair, calls) if found else (None, None, calls)


def assert_real(bucket: Bucket, found: Found) -> None:
    """Check the answer against one more GET, which does not belong to the read."""
    assert bucket.store.get(found.stored.name) == found.stored


@pytest.fixture(params=[3, MANY], ids=["few", "many"])
def filled(bucket: Bucket, request: pytest.FixtureRequest) -> Bucket:
    """Return a bucket whose newest object is one minute old, with a correct pointer."""
    names = [name_at(-60 - second) for second in range(request.param)]
    bucket.fill(names)
    bucket.point_at(*names[:16])
    for key in JUNK:
        bucket.put_raw(key)
    return bucket


def test_an_empty_bucket_has_none(bucket: Bucket) -> None:
    assert read(bucket) == (None, None, [GET, LIST])


def test_only_junk_is_none(bucket: Bucket) -> None:
    for key in JUNK:
        bucket.put_raw(key)
    assert read(bucket) == (None, None, [GET, LIST])


def test_the_fast_path_is_two_gets(filled: Bucket) -> None:
    assert read(filled) == (name_at(-60), None, [GET, GET])


def test_a_missing_pointer_takes_three_calls(filled: Bucket) -> None:
    filled.delete(POINTER_KEY)
    assert read(filled) == (name_at(-60), "lost", [GET, LIST, GET])


@pytest.mark.parametrize(
    "raw",
    [b"", b"junk", b'{"key": "latest.json"}', Pointer.of([name_at(86_400)]).encode(), b"x" * 100_000],
    ids=["empty", "junk", "no name", "from the future", "endless"],
)
def test_a_corrupt_pointer_takes_three_calls(filled: Bucket, raw: bytes) -> None:
    filled.put_raw(POINTER_KEY, raw)
    assert read(filled) == (name_at(-60), "lost", [GET, LIST, GET])


def test_a_dangling_pointer_takes_three_calls(filled: Bucket) -> None:
    filled.delete(name_at(-60).key)
    assert read(filled) == (name_at(-61), "dangling", [GET, GET, LIST])


def test_a_dangling_pointer_finds_a_newer_object_too(filled: Bucket) -> None:
    filled.delete(name_at(-60).key)
    filled.put(name_at(-1), indexed=False)
    assert read(filled) == (name_at(-1), "dangling", [GET, GET, LIST])


def test_a_dangling_pointer_with_two_forerunners_gone_takes_three_calls(bucket: Bucket) -> None:
    names = [name_at(-60 - second) for second in range(MANY)]
    bucket.fill(names)
    bucket.point_at(*names[:16])
    bucket.delete(*(name.key for name in names[:15]))
    assert read(bucket) == (names[15], "dangling", [GET, GET, LIST])


def test_a_dangling_pointer_that_remembers_nothing_takes_three_calls_in_a_small_bucket(
    bucket: Bucket,
) -> None:
    bucket.put(name_at(-86_400), indexed=False)
    bucket.point_at(name_at(-60))
    assert read(bucket) == (name_at(-86_400), "dangling", [GET, GET, LIST])


def test_a_foreign_object_behind_a_dangling_pointer_is_fetched(bucket: Bucket) -> None:
    bucket.put_raw(name_at(-90).key, b"not by the writer")
    bucket.point_at(name_at(-60))
    assert read(bucket) == (name_at(-90), "dangling", [GET, GET, LIST, GET])


def test_a_dangling_pointer_with_a_thousand_names_behind_it_takes_five_calls(bucket: Bucket) -> None:
    bucket.fill(map(name_at, range(-1_200, -1)))
    bucket.point_at(name_at(0), name_at(-1_200))
    assert read(bucket) == (name_at(-2), "dangling", [GET, GET, LIST, LIST, GET])


@pytest.mark.parametrize(
    ("count", "calls"),
    [(20, [GET, GET, LIST, LIST, GET]), (MANY, [GET, GET, LIST, LIST, GET, *[LIST] * 7, GET])],
    ids=["few", "many"],
)
def test_a_dangling_pointer_with_all_that_it_remembers_gone_takes_the_most_calls(
    bucket: Bucket, count: int, calls: list[str]
) -> None:
    names = [name_at(-60 - second) for second in range(count)]
    bucket.fill(names)
    bucket.point_at(*names[:16])
    bucket.delete(*(name.key for name in names[:16]))
    assert read(bucket) == (names[16], "dangling", calls)


def test_a_stale_pointer_takes_three_calls(filled: Bucket) -> None:
    filled.point_at(name_at(-1_050))
    assert read(filled) == (name_at(-60), "stale", [GET, LIST, GET])


def test_a_stale_pointer_finds_what_no_index_knows(filled: Bucket) -> None:
    filled.point_at(name_at(-1_050))
    filled.put(name_at(-5), indexed=False)
    assert read(filled) == (name_at(-5), "stale", [GET, LIST, GET])


def test_a_pointer_far_behind_takes_three_calls(filled: Bucket) -> None:
    filled.put(name_at(-86_400 * 365))
    filled.point_at(name_at(-86_400 * 365))
    assert read(filled) == (name_at(-60), "stale", [GET, LIST, GET])


def test_a_pointer_that_is_stale_and_dangling_takes_three_calls(filled: Bucket) -> None:
    filled.point_at(name_at(-1_050.5))
    assert read(filled) == (name_at(-60), "stale", [GET, LIST, GET])


def test_an_old_pointer_that_is_right_needs_no_repair(filled: Bucket) -> None:
    later = RULES._replace(now=NOW + timedelta(hours=1))
    assert read(filled, later) == (name_at(-60), None, [GET, LIST, GET])


def test_a_thousand_dead_writers_cost_one_call_more(bucket: Bucket) -> None:
    bucket.fill(map(name_at, range(-1_200, 0)))
    bucket.point_at(name_at(-1_200))
    assert read(bucket) == (name_at(-1), "stale", [GET, LIST, LIST, GET])


def test_objects_of_the_far_future_are_ignored_everywhere(bucket: Bucket) -> None:
    impossible = name_at(86_400)
    bucket.put(name_at(-60), impossible)
    assert read(bucket)[:2] == (name_at(-60), "lost")
    bucket.point_at(name_at(-6_000))
    assert read(bucket)[:2] == (name_at(-60), "stale")
    bucket.point_at(name_at(-50))
    assert read(bucket)[:2] == (name_at(-60), "dangling")
    assert names_by_descent(bucket.store, RULES) == (name_at(-60),)


def test_a_name_just_ahead_of_the_clock_counts(bucket: Bucket) -> None:
    ahead = name_at(RULES.tolerance.total_seconds() + 1)  # accepted by a writer whose clock is ahead of ours
    bucket.put(ahead)
    bucket.point_at(ahead)
    assert read(bucket) == (ahead, None, [GET, GET])


def test_objects_older_than_the_index_are_descended(bucket: Bucket) -> None:
    bucket.fill(map(name_at, range(-1_500, -100)), indexed=False)
    bucket.put(name_at(-9_000))  # a late event: the only entry of the index
    assert read(bucket) == (name_at(-101), "lost", [GET, LIST, *[LIST] * 7, GET])


def test_deletions_by_hand_on_top_of_a_lost_pointer_are_descended(filled: Bucket) -> None:
    filled.delete(POINTER_KEY, name_at(-60).key)
    name, repair, calls = read(filled)
    assert (name, repair) == (name_at(-61), "lost")
    assert len(calls) <= 14  # some of the junk costs a call


def test_an_index_that_still_has_what_is_gone_takes_eleven_calls(bucket: Bucket) -> None:
    bucket.fill(map(name_at, range(-MANY, 0)))
    bucket.delete(name_at(-1).key)
    assert read(bucket) == (name_at(-2), "lost", [GET, LIST, GET, *[LIST] * 7, GET])


def test_a_bucket_emptied_by_hand_is_empty(filled: Bucket) -> None:
    filled.delete(*filled.keys("hello_world_"))
    assert read(filled)[:2] == (None, None)


def test_a_stale_pointer_to_an_emptied_bucket_is_empty(filled: Bucket) -> None:
    filled.delete(*filled.keys("hello_world_"))
    filled.point_at(name_at(-5_000))
    assert read(filled)[:2] == (None, None)


def test_descent_finds_the_greatest_name_past_junk(bucket: Bucket) -> None:
    dice = random.Random(3)  # noqa: S311 - any names will do
    names = [name_at(-dice.randrange(10**9) - dice.random()) for _ in range(200)]
    bucket.fill(names, indexed=False)
    for key in (*JUNK, "hello_world_2030-01-01T", "hello_world_9999-99-99T99-99-99.zzz"):
        bucket.put_raw(key)
    assert names_by_descent(bucket.store, RULES)[0] == max(names)


def test_an_object_that_vanishes_twice_is_worth_a_retry(bucket: Bucket) -> None:
    bucket.put(name_at(-60))
    fail_with(bucket.client, 404, "NoSuchKey", operation=GET)
    with pytest.raises(BusyError):
        latest(bucket.store, RULES)
