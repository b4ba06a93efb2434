from __future__ import annotations

import threading

import pytest
from botocore.exceptions import ClientError

from s3_lambda_api.errors import BusyError, ConflictError, ContendedError
from s3_lambda_api.keys import POINTER_KEY, ObjectName, parse_index_key, parse_key
from s3_lambda_api.pointer import Claim, Pointer
from s3_lambda_api.record import Written, backoff, record
from tests.s3 import hide_missing_keys, may_list
from tests.unit.s3_lambda_api.conftest import BUCKET, RULES, Bucket, fail_with, name_at

GET, LIST, PUT, TAG = "GetObject", "ListObjectsV2", "PutObject", "PutObjectTagging"


def write(bucket: Bucket, name: ObjectName) -> Written:
    bucket.calls.clear()
    return record(bucket.store, name, RULES, pause=lambda _: None)


def test_the_first_write(bucket: Bucket) -> None:
    name = name_at(0)
    written = write(bucket, name)
    assert bucket.calls == [PUT, PUT, GET, PUT, GET, LIST, PUT]
    head = bucket.client.head_object(Bucket=BUCKET, Key=name.key)
    assert written == Written(name.key, head["ETag"], created=True)
    assert bucket.pointer() == Pointer((name,))
    assert [parse_index_key(key) for key in bucket.keys("by_newest/")] == [name]


def test_a_write_in_the_usual_course_takes_six_calls(bucket: Bucket) -> None:
    write(bucket, name_at(-600))
    write(bucket, name_at(0))
    assert bucket.calls == [PUT, PUT, GET, PUT, TAG, TAG]
    assert bucket.pointer() == Pointer((name_at(0), name_at(-600)))


def test_without_permission_to_list_the_pointers_key_no_first_write_completes(bucket: Bucket) -> None:
    hide_missing_keys(bucket.client, lambda key: may_list(key, ("hello_world_*",)))
    for _delivery in range(3):
        with pytest.raises(ClientError, match="AccessDenied"):
            write(bucket, name_at(0))
    assert bucket.keys(POINTER_KEY) == []


def superseded(bucket: Bucket) -> list[ObjectName]:
    """Return the names whose object and index entry are tagged, in order. No name has only one tag."""
    names = [name for key in bucket.keys("hello_world_") if (name := parse_key(key))]
    tagged = []
    for name in names:
        tags = [
            bucket.client.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]
            for key in (name.key, name.index_key)
        ]
        assert tags[0] == tags[1]
        tagged += [name] if tags[0] == [{"Key": "superseded", "Value": "true"}] else []
    return tagged


def test_the_newest_object_is_never_marked_and_all_it_has_passed_are(bucket: Bucket) -> None:
    for seconds in (-600, 0, -300, -60, 0):
        write(bucket, name_at(seconds))

    assert superseded(bucket) == [name_at(-600), name_at(-300), name_at(-60)]


def test_marking_an_object_that_is_gone_does_no_harm(bucket: Bucket) -> None:
    write(bucket, name_at(-600))
    bucket.delete(name_at(-600).key, name_at(-600).index_key)

    assert write(bucket, name_at(0)).created


def test_marking_an_object_under_a_delete_marker_does_no_harm_and_marks_its_index_entry(
    bucket: Bucket,
) -> None:
    bucket.client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    write(bucket, name_at(-600))
    bucket.delete(name_at(-600).key)

    assert write(bucket, name_at(0)).created
    tags = bucket.client.get_object_tagging(Bucket=BUCKET, Key=name_at(-600).index_key)["TagSet"]
    assert tags == [{"Key": "superseded", "Value": "true"}]


def test_a_marking_that_is_refused_is_told(bucket: Bucket) -> None:
    write(bucket, name_at(-600))
    fail_with(bucket.client, 403, "AccessDenied", operation=TAG)

    with pytest.raises(ClientError, match="AccessDenied"):
        write(bucket, name_at(0))


def test_a_duplicate_writes_once(bucket: Bucket) -> None:
    first = write(bucket, name_at(0))
    assert write(bucket, name_at(0)) == first._replace(created=False)
    assert bucket.calls == [PUT, PUT, GET, LIST]
    assert bucket.keys("hello_world_") == [name_at(0).key]


def test_a_late_event_leaves_the_pointer_alone(bucket: Bucket) -> None:
    write(bucket, name_at(0))
    assert write(bucket, name_at(-60)).created
    assert bucket.pointer() == Pointer((name_at(0),))


@pytest.mark.parametrize("done", [0, 1, 2])
def test_a_retry_completes_what_a_dead_writer_began(bucket: Bucket, done: int) -> None:
    if done > 0:
        bucket.store.create(name_at(0))
    if done > 1:
        bucket.store.index(name_at(0))
    assert write(bucket, name_at(0)).created == (done == 0)
    assert bucket.pointer() == Pointer((name_at(0),))


@pytest.mark.parametrize(
    "raw", [None, b"junk", Claim("of a dead writer").encode(), Pointer.of([name_at(86_400)]).encode()]
)
def test_a_late_event_does_not_turn_a_lost_pointer_back(bucket: Bucket, raw: bytes | None) -> None:
    write(bucket, name_at(0))
    bucket.delete(POINTER_KEY)
    if raw is not None:
        bucket.put_raw(POINTER_KEY, raw)
    write(bucket, name_at(-60))
    assert bucket.pointer() == Pointer((name_at(0), name_at(-60)))


def test_a_stale_pointer_takes_dead_writers_along(bucket: Bucket) -> None:
    write(bucket, name_at(-3_000))
    bucket.store.create(name_at(-20))
    write(bucket, name_at(-60))
    assert bucket.pointer() == Pointer((name_at(-20), name_at(-60), name_at(-3_000)))


def test_a_lost_swap_is_tried_again_after_a_pause(bucket: Bucket) -> None:
    swaps = iter([False, False])
    real, pauses = bucket.store.swap_pointer, list[int]()
    bucket.store.swap_pointer = lambda raw, etag: next(swaps, None) is None and real(raw, etag)  # type: ignore[method-assign]
    record(bucket.store, name_at(0), RULES, pause=pauses.append)
    assert pauses == [0, 1]
    assert bucket.pointer() == Pointer((name_at(0),))


def test_endless_contention_is_told(bucket: Bucket) -> None:
    bucket.store.swap_pointer = lambda raw, etag: False  # type: ignore[method-assign] # noqa: ARG005
    with pytest.raises(ContendedError) as caught:
        write(bucket, name_at(0))
    assert caught.value.attempts == 30


def test_a_conflict_of_creations_is_tried_again(bucket: Bucket) -> None:
    conflicts = iter([ConflictError("k"), ConflictError("k")])
    real = bucket.store.create

    def create(name: ObjectName) -> str | None:
        if conflict := next(conflicts, None):
            raise conflict
        return real(name)

    bucket.store.create = create  # type: ignore[method-assign]
    assert write(bucket, name_at(0)).created


def test_endless_conflicts_are_told(bucket: Bucket) -> None:
    fail_with(bucket.client, 409, "ConditionalRequestConflict", operation=PUT)
    with pytest.raises(ContendedError):
        write(bucket, name_at(0))


def test_throttling_is_told(bucket: Bucket) -> None:
    fail_with(bucket.client, 503, "SlowDown", operation=PUT)
    with pytest.raises(BusyError):
        write(bucket, name_at(0))


def test_pauses_grow_and_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("s3_lambda_api.record.random.uniform", lambda _, most: most)
    monkeypatch.setattr("s3_lambda_api.record.time.sleep", slept.append)
    for attempt in range(30):
        backoff(attempt)
    assert slept[:3] == [0.02, 0.04, 0.08]
    assert slept == sorted(slept)
    assert slept[-1] == 0.5


def test_many_threads_leave_the_newest_in_the_pointer(bucket: Bucket) -> None:
    names = [name_at(-second) for second in range(16)]
    threads = [threading.Thread(target=record, args=(bucket.store, name, RULES)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pointer = bucket.pointer()
    assert pointer is not None
    assert pointer.newest == name_at(0)
