from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.errors import SnapshotError
from harness.stack.snapshots import Cache
from tests.unit.stack.snapshots.test_snapshot import TAKEN

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86400.0


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """Provide an empty cache."""
    return Cache(folder=tmp_path / "snapshots", megabytes=1, days=14)


def add(cache: Cache, inputs: str, *, age: float = 0.0, size: int = 0) -> Path:
    """Add a snapshot with these inputs that was used `age` seconds ago."""
    file = cache.add(replace(TAKEN, inputs={"rest": inputs}, state=os.urandom(size)))
    os.utime(file, (time.time() - age, time.time() - age))
    return file


def nearest(cache: Cache, inputs: str) -> object:
    found = cache.nearest("here", {"rest": inputs})
    return found and found.inputs["rest"]


def test_an_empty_one_has_none(cache: Cache) -> None:
    assert nearest(cache, "a") is None
    assert cache.files() == []


def test_the_one_with_the_same_inputs_is_the_nearest(cache: Cache) -> None:
    add(cache, "a", age=3 * DAY)
    add(cache, "b")

    assert nearest(cache, "a") == "a"


def test_else_the_newest_is(cache: Cache) -> None:
    add(cache, "a", age=2 * DAY)
    add(cache, "b", age=DAY)
    add(cache, "c", age=3 * DAY)

    assert nearest(cache, "d") == "b"


def test_those_of_another_stack_are_none(cache: Cache) -> None:
    add(cache, "a")

    assert cache.nearest("elsewhere", {"rest": "a"}) is None


def test_a_damaged_one_is_told_and_removed_and_the_next_one_taken(
    cache: Cache, caplog: pytest.LogCaptureFixture
) -> None:
    add(cache, "b", age=DAY)
    damaged = add(cache, "a")
    damaged.write_bytes(b"half")

    assert nearest(cache, "a") == "b"
    assert f"{damaged} can't be used as a snapshot" in caplog.text
    assert not damaged.exists()


def test_what_nobody_has_used_for_long_is_removed(cache: Cache) -> None:
    old, recent = add(cache, "a", age=15 * DAY), add(cache, "b", age=13 * DAY)

    cache.prune()

    assert (old.exists(), recent.exists()) == (False, True)


def test_one_that_is_used_is_kept(cache: Cache) -> None:
    file = add(cache, "a", age=13 * DAY)
    nearest(cache, "a")

    assert time.time() - file.stat().st_mtime < DAY


def test_the_oldest_make_way_and_the_new_one_stays_whatever_its_size(cache: Cache) -> None:
    old = add(cache, "a", age=DAY, size=600_000)
    middle = add(cache, "b", age=DAY / 2, size=600_000)
    assert (old.exists(), middle.exists()) == (False, True)

    large = add(cache, "c", size=2_000_000)
    assert (middle.exists(), large.exists()) == (False, True)


def test_a_clock_that_went_back_makes_none_old(cache: Cache) -> None:
    file = add(cache, "a", age=-400 * DAY)

    cache.prune()

    assert file.exists()


def test_what_a_killed_run_was_writing_is_removed_after_an_hour(cache: Cache) -> None:
    file = add(cache, "a")
    fresh, stale = file.parent / ".new.part", file.parent / ".old.part"
    for part, age in ((fresh, 60), (stale, 4000)):
        part.write_bytes(b"half")
        os.utime(part, (time.time() - age, time.time() - age))

    cache.prune()

    assert (fresh.exists(), stale.exists(), file.exists()) == (True, False, True)


def test_only_its_own_are_removed(cache: Cache, tmp_path: Path) -> None:
    file, other = add(cache, "a"), tmp_path / "thesis.pdf"
    other.write_bytes(b"mine")

    with pytest.raises(SnapshotError, match="none of those that `harness snapshot list` shows"):
        cache.remove([file, other])
    assert (file.exists(), other.exists()) == (True, True)

    assert cache.remove() == [file]
    assert not file.exists()
