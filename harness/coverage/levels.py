"""How far the tests have exercised a resource or a part of one, and all of a stack together."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable


class Level(IntEnum):
    """How far tests have exercised a resource: docs/how-to/coverage.md defines the levels.

    They are in the order in which one of two judgements of the same resource wins.
    """

    CREATED = 0
    UNKNOWN = 1
    USED = 2
    ASSERTED = 3

    @property
    def is_used(self) -> bool:
        """Whether it was used at least."""
        return self >= Level.USED


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """A resource, a part of one, or an output, and how far the tests have exercised it.

    Attributes:
        address: Its address; of a part the resource's, and the part's name.
        level: How far.
        why: What the level was judged by.
        file: The file of its block, relative to the project; empty if it is not known.
        line: The line there, from 1 on; 0 if it is not known.
    """

    address: str
    level: Level
    why: str
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Coverage:
    """All resources of the stacks of a run, their parts and the outputs, by the order of their files."""

    items: tuple[Covered, ...] = ()

    @property
    def judged(self) -> tuple[Covered, ...]:
        """Those that could be judged."""
        return tuple(each for each in self.items if each.level is not Level.UNKNOWN)

    @property
    def percent(self) -> float:
        """How many of those that could be judged were used, in percent; 0 if none could be."""
        used = sum(each.level.is_used for each in self.judged)
        return 100 * used / len(self.judged) if self.judged else 0.0

    def count(self, level: Level) -> int:
        """Return how many have a level."""
        return sum(each.level is level for each in self.items)

    def merged(self, others: Iterable[Covered]) -> Coverage:
        """Return this coverage with others of the same run; of two judgements the higher holds."""
        best = {(each.file, each.address): each for each in self.items}
        for each in others:
            known = best.get((each.file, each.address))
            if known is None or known.level < each.level:
                best[each.file, each.address] = each
        return Coverage(tuple(sorted(best.values(), key=lambda each: (each.file, each.line, each.address))))

    def to_json(self) -> str:
        """Return it as JSON; the levels by name."""
        items = [{**asdict(each), "level": each.level.name.lower()} for each in self.items]
        total = {level.name.lower(): self.count(level) for level in Level}
        told = {
            "format": "harness-iac-coverage",
            "version": 1,
            "percent": round(self.percent, 2),
            "total": total,
            "items": items,
        }
        return json.dumps(told, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return what `to_json` has made JSON of."""
        told = json.loads(text)["items"]
        return cls(tuple(Covered(**{**each, "level": Level[each["level"].upper()]}) for each in told))
