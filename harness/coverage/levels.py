"""Levels of coverage: of a resource, of a part of one, and of a whole stack."""

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
class CoverageItem:
    """A resource, a part of one, or an output, and how far the tests have exercised it.

    Attributes:
        address: Its address. For a part, the resource's address and the part's name.
        level: How far.
        why: The reason for the level.
        file: The file of its block, relative to the project. Empty if unknown.
        line: Its line in the file, counted from 1. 0 if unknown.
    """

    address: str
    level: Level
    why: str
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Coverage:
    """All resources of a run's stacks with their parts, and the outputs, in the order of their files."""

    items: tuple[CoverageItem, ...] = ()

    @property
    def judged(self) -> tuple[CoverageItem, ...]:
        """The resources that could be judged."""
        return tuple(each for each in self.items if each.level is not Level.UNKNOWN)

    @property
    def percent(self) -> float:
        """The percentage of the judged resources that were used. 0 if none could be judged."""
        used = sum(each.level.is_used for each in self.judged)
        return 100 * used / len(self.judged) if self.judged else 0.0

    def count(self, level: Level) -> int:
        """Return how many have a level."""
        return sum(each.level is level for each in self.items)

    def merged(self, others: Iterable[CoverageItem]) -> Coverage:
        """Merge this coverage with others of the same run. The higher level counts."""
        best = {(each.file, each.address): each for each in self.items}
        for each in others:
            known = best.get((each.file, each.address))
            if known is None or known.level < each.level:
                best[each.file, each.address] = each
        return Coverage(tuple(sorted(best.values(), key=lambda each: (each.file, each.line, each.address))))

    def to_json(self) -> str:
        """Return it as JSON, with the names of levels."""
        items = [{**asdict(each), "level": each.level.name.lower()} for each in self.items]
        total = {level.name.lower(): self.count(level) for level in Level}
        report = {
            "format": "harness-iac-coverage",
            "version": 1,
            "percent": round(self.percent, 2),
            "total": total,
            "items": items,
        }
        return json.dumps(report, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Create one from the result of `to_json`."""
        items = json.loads(text)["items"]
        return cls(tuple(CoverageItem(**{**each, "level": Level[each["level"].upper()]}) for each in items))
