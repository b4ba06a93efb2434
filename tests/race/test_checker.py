"""The checker itself: it finds errors, accepts right histories, and detects the mutants."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from s3_lambda_api.keys import ObjectName
from tests.race.driver import Conduct, parallel, primed, stepped
from tests.race.history import NO_OLDER, NO_PHANTOM, NO_RETURN, Kind, Operation, shortest, violations
from tests.race.memory import MemoryStore
from tests.race.mutants import MUTANTS
from tests.race.plan import BASE, LAG, Mix, Task, drawn

if TYPE_CHECKING:
    from collections.abc import Sequence

CALM = Mix(operations=300)
ROUGH = Mix(operations=300, damage=0.1, impatient=0.2, brisk=0.4, lag=LAG)
WILD = Mix(operations=60, damage=0.3, impatient=0.2, brisk=0.4, lag=LAG)
PAGE = 6  # smaller than the histories: the index and the descent have their turn


def operation(kind: Kind, second: int | None, begin: int, end: int | None) -> Operation:
    name = None if second is None else ObjectName(BASE + timedelta(seconds=second), "00000000")
    return Operation(kind=kind, name=name, begin=begin, end=end)


def rules(history: list[Operation], *, monotone: bool = True) -> list[str]:
    return [violation.rule for violation in violations(history, monotone=monotone)]


WRITE_1, WRITE_2 = operation("write", 1, 1, 2), operation("write", 2, 3, 4)


def test_a_read_of_the_newest_is_right() -> None:
    assert rules([WRITE_1, WRITE_2, operation("read", 2, 5, 6)]) == []


@pytest.mark.parametrize("answer", [1, None])
def test_a_read_after_a_write_must_not_be_older(answer: int | None) -> None:
    read = operation("read", answer, 5, 6)
    (violation,) = violations([WRITE_1, WRITE_2, read], monotone=True)
    assert (violation.rule, violation.operations) == (NO_OLDER, (WRITE_2, read))
    assert str(violation).count("\n") == 2


@pytest.mark.parametrize("answer", [1, 2])
def test_a_read_beside_a_write_may_be_either(answer: int) -> None:
    assert rules([WRITE_1, operation("write", 2, 3, 9), operation("read", answer, 5, 6)]) == []


@pytest.mark.parametrize("answer", [1, 2])
def test_a_killed_write_may_be_seen_or_not(answer: int) -> None:
    assert rules([WRITE_1, operation("write", 2, 3, None), operation("read", answer, 5, 6)]) == []


def test_an_older_write_that_completes_later_changes_nothing() -> None:
    late = operation("write", 1, 5, 6)
    assert rules([WRITE_2, late, operation("read", 2, 7, 8)]) == []
    assert rules([WRITE_2, late, operation("read", 1, 7, 8)]) == [NO_OLDER]


def test_reads_must_not_go_back() -> None:
    history = [WRITE_1, operation("write", 2, 3, 99), operation("read", 2, 5, 6), operation("read", 1, 7, 8)]
    assert rules(history) == [NO_RETURN]
    assert rules(history, monotone=False) == []


def test_what_was_never_written_must_not_be_read() -> None:
    assert rules([operation("read", 1, 1, 2), operation("write", 1, 3, 4)]) == [NO_PHANTOM]


def test_an_empty_bucket_is_right_at_first() -> None:
    assert rules([operation("read", None, 1, 2), WRITE_1]) == []


def test_shrinking_leaves_what_is_needed() -> None:
    assert shortest(range(100), lambda plan: {17, 55} <= set(plan)) == [17, 55]


def test_one_seed_is_one_history() -> None:
    one, other = (stepped(drawn(7, ROUGH), MemoryStore(PAGE), seed=7) for _ in range(2))
    assert one == other
    assert one != stepped(drawn(7, ROUGH), MemoryStore(PAGE), seed=8)


def test_a_fifth_of_the_writers_is_killed() -> None:
    writers = [task for task in drawn(1, Mix(operations=5_000)) if task.kind == "write"]
    killed = sum(task.killed_before is not None for task in writers)
    assert 0.15 < killed / len(writers) < 0.25


@pytest.mark.parametrize(
    "path",
    [
        ("read_pointer", "get"),
        ("read_pointer", "page_from", "get"),
        ("read_pointer", "first_page", "get"),
        ("read_pointer", "first_page"),
    ],
    ids=["fresh", "stale", "lost, or too old", "empty"],
)
def test_readers_find_the_newest_in_every_way_there_is(path: tuple[str, ...]) -> None:
    runs = [stepped(drawn(seed, ROUGH), MemoryStore(), seed=seed) for seed in range(5)]
    assert path in {one.calls for history in runs for one in history if one.kind == "read"}


def test_writers_look_past_a_stale_pointer() -> None:
    runs = [stepped(drawn(seed, ROUGH), MemoryStore(), seed=seed) for seed in range(5)]
    assert any("page_from" in one.calls for history in runs for one in history if one.kind == "write")


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("page", [PAGE, 1000])
def test_the_real_protocol_holds_in_memory(seed: int, page: int) -> None:
    store = MemoryStore(page)
    history = [primed(store), *stepped(drawn(seed, CALM), store, seed=seed)]
    assert len(history) > CALM.operations
    assert violations(history, monotone=True) == []
    assert all(len(one.calls) == 2 for one in history if one.kind == "read" and one.name)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("page", [PAGE, 1000])
def test_the_real_protocol_holds_in_memory_while_the_pointer_is_damaged(seed: int, page: int) -> None:
    history = stepped(drawn(seed, ROUGH), MemoryStore(page), seed=seed)
    assert violations(history, monotone=False) == []


def test_a_role_that_may_list_objects_alone_never_gets_a_pointer() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        primed(MemoryStore(listable=("hello_world_*",)))


def test_threads_run_the_same_plan() -> None:
    history = parallel(drawn(1, CALM), MemoryStore())
    assert len(history) >= CALM.operations


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_a_mutant_is_found_out_and_its_history_is_short(mutant: Conduct) -> None:
    plan = next((plan for plan in map(drawn, range(200), [WILD] * 200) if fails(plan, mutant, 1)), None)
    assert plan is not None, "200 runs and nothing was noticed"
    least = shortest(plan, lambda fewer: fails(fewer, mutant, 30))
    assert fails(least, mutant, 30)
    assert len(least) <= 12


def fails(plan: Sequence[Task], conduct: Conduct, seeds: int) -> bool:
    """Return whether some order of turns shows a violation."""
    runs = (stepped(plan, MemoryStore(PAGE), seed=seed, conduct=conduct) for seed in range(seeds))
    return any(violations(history, monotone=False) for history in runs)
