"""Plans, derived from a seed. Pure: the same seed gives the same plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Literal

from s3_lambda_api.keys import ObjectName

BASE = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
TOLERANCE = timedelta(minutes=5)
KILL_POINTS = ("index", "read_pointer")  # the call that a killed writer does not come to
NEVER_STALE = timedelta(days=1000)  # between two scheduled objects: so far apart, no pointer is old
BRISK = timedelta(seconds=1)  # so close that clocks decide: a pointer is stale to one and fresh to another
LAG = timedelta(minutes=4)  # of events: to a quarter of the brisk readers the pointer is stale then
FAR_BEHIND = -NEVER_STALE  # every pointer is old, and more than a page of objects is due since
_KILLED = 0.2
_REPEATED = 0.1

type Damage = Literal["delete", "corrupt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing that one actor does.

    Attributes:
        kind: Its kind.
        name: The name to write.
        skew: The error of the actor's clock.
        killed_before: The call before which a writer dies.
        interval: The time between two scheduled objects, as the actor believes.
        damage: The damage to the pointer.
    """

    kind: Literal["write", "read", "damage"]
    name: ObjectName | None = None
    skew: timedelta = timedelta()
    killed_before: str | None = None
    interval: timedelta = NEVER_STALE
    damage: Damage = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """The proportions of a plan.

    Attributes:
        operations: The number of writes and reads.
        damage: Share of operations that are followed by damage to the pointer.
        impatient: Share of the readers that find every pointer stale, and too old to list from.
        brisk: Share of the other readers and of the writers for whom objects are a second apart.
        lag: How late the events come: with late ones, some pointers are stale to the brisk.
    """

    operations: int
    damage: float = 0.0
    impatient: float = 0.0
    brisk: float = 0.0
    lag: timedelta = timedelta()


def drawn(seed: int, mix: Mix) -> list[Task]:
    """Draw a plan: writers and readers in random order, a fifth of the writers killed on their way.

    Event times grow during the plan, each shifted within the tolerance. Some events come twice.
    """
    dice = Random(seed)  # noqa: S311 - it is to be repeatable
    tasks: list[Task] = []
    for index in range(mix.operations):
        tasks.append(_writer(dice, index, mix) if dice.random() < 0.5 else _reader(dice, mix))
        if dice.random() < mix.damage:
            tasks.append(Task(kind="damage", damage=dice.choice(("delete", "corrupt"))))
        if tasks[-1].kind == "write" and dice.random() < _REPEATED:
            tasks.insert(dice.randrange(len(tasks) + 1), replace(tasks[-1], killed_before=None))
    return tasks


def _writer(dice: Random, index: int, mix: Mix) -> Task:
    progress = TOLERANCE * (2 * index / mix.operations - 1) / 2
    moment = BASE - mix.lag + progress + _skew(dice) / 2
    return Task(
        kind="write",
        name=ObjectName(moment, f"{dice.getrandbits(32):08x}"),
        skew=_skew(dice) / 2,
        killed_before=dice.choice(KILL_POINTS) if dice.random() < _KILLED else None,
        interval=_interval(dice, mix),
    )


def _reader(dice: Random, mix: Mix) -> Task:
    interval = FAR_BEHIND if dice.random() < mix.impatient else _interval(dice, mix)
    return Task(kind="read", skew=_skew(dice), interval=interval)


def _interval(dice: Random, mix: Mix) -> timedelta:
    return BRISK if dice.random() < mix.brisk else NEVER_STALE


def _skew(dice: Random) -> timedelta:
    return TOLERANCE * dice.uniform(-1, 1)
