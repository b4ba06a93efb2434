"""The observations, and whether they are right. Pure."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from s3_lambda_api.keys import ObjectName

type Kind = Literal["write", "read"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One write or read, as its caller saw it.

    Attributes:
        kind: Its kind.
        name: The written or answered name. None is the answer of an empty bucket.
        begin: When it was called.
        end: The time of its return. None if its writer was killed, so that its effect may be visible or not.
        calls: The calls to S3, in order.
    """

    kind: Kind
    name: ObjectName | None
    begin: int
    end: int | None
    calls: tuple[str, ...] = ()

    def __str__(self) -> str:
        name = "nothing" if self.name is None else self.name.key
        return f"{self.begin:>8} - {self.end if self.end is not None else 'killed':>8} {self.kind:5} {name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """The shortest history that shows the error.

    Attributes:
        rule: The broken rule.
        operations: The operations that break it, in the order of their beginning.
    """

    rule: str
    operations: tuple[Operation, ...]

    def __str__(self) -> str:
        return "\n".join([self.rule, *map(str, self.operations)])


NO_OLDER = "a read that began after a write had completed answered older"
NO_RETURN = "a read that began after another had ended answered older"
NO_PHANTOM = "a read answered what nobody had begun to write"


def violations(history: Iterable[Operation], *, monotone: bool) -> list[Violation]:
    """Judge a history.

    Args:
        history: All operations of a run.
        monotone: Whether reads must not go back either. They may while a killed writer's object is seen
            by those reads only that look past a lost or stale pointer.
    """
    operations = list(history)
    writes = [one for one in operations if one.kind == "write"]
    reads = [one for one in operations if one.kind == "read"]
    found = _older_than(writes, reads, NO_OLDER) + _phantoms(writes, reads)
    return found + (_older_than(reads, reads, NO_RETURN) if monotone else [])


def shortest[T](plan: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> list[T]:
    """Leave out ever smaller parts of a failing plan for as long as it fails without them."""
    kept, before = list(plan), len(plan) + 1
    while len(kept) < before:
        before = len(kept)
        size = before // 2
        while size:
            kept, size = _without(kept, size, fails), size // 2
    return kept


def _without[T](plan: list[T], size: int, fails: Callable[[Sequence[T]], bool]) -> list[T]:
    start = 0
    while start < len(plan):
        fewer = plan[:start] + plan[start + size :]
        if fails(fewer):
            plan = fewer
        else:
            start += size
    return plan


def _older_than(before: list[Operation], reads: list[Operation], rule: str) -> list[Violation]:
    """Find the reads that answer older than the newest of the operations that had ended before them."""
    ended = sorted((one for one in before if one.end is not None and one.name), key=lambda one: one.end or 0)
    ends = [one.end or 0 for one in ended]
    newest = list(accumulate(ended, _newer))
    found = []
    for read in reads:
        count = bisect_left(ends, read.begin)
        if count and _rank(newest[count - 1]) > _rank(read):
            found.append(Violation(rule=rule, operations=(newest[count - 1], read)))
    return found


def _phantoms(writes: list[Operation], reads: list[Operation]) -> list[Violation]:
    begun: dict[ObjectName | None, int] = {None: 0}
    for write in writes:
        begun[write.name] = min(write.begin, begun.get(write.name, write.begin))
    return [
        Violation(rule=NO_PHANTOM, operations=(read,))
        for read in reads
        if read.end is not None and begun.get(read.name, read.end) >= read.end
    ]


def _newer(one: Operation, other: Operation) -> Operation:
    return max(one, other, key=_rank)


def _rank(operation: Operation) -> tuple[bool, ObjectName | None]:
    return (operation.name is not None, operation.name)
