"""Coverage as a table for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.coverage.levels import Level
from harness.coverage.reports.formats import by_file

if TYPE_CHECKING:
    from harness.coverage.levels import Coverage

_COLUMNS = ("Items", "Used", "Asserted", "Unknown", "Cover")


def table(coverage: Coverage) -> list[str]:
    """Return the lines of a table in the manner of coverage.py's: a row for each file, and the total."""
    rows = [(name, part, _missing(part)) for name, part in by_file(coverage)]
    rows.append(("TOTAL", coverage, ""))
    width = max(len(name) for name, _, _ in rows)
    head = f"{'Name':<{width}}" + "".join(f"{name:>11}" for name in _COLUMNS) + "   Not used"
    lines = [f"{name:<{width}}{_figures(part)}   {missing}".rstrip() for name, part, missing in rows]
    rule = "-" * len(head)
    return [head, rule, *lines[:-1], rule, lines[-1]]


def _figures(part: Coverage) -> str:
    asserted = part.count(Level.ASSERTED)
    numbers = (len(part.items), part.count(Level.USED) + asserted, asserted, part.count(Level.UNKNOWN))
    cover = f"{_floored(part.percent)}%" if part.judged else "-"
    return "".join(f"{text:>11}" for text in (*map(str, numbers), cover))


def _floored(percent: float) -> int:
    """Return whole percents, rounded down, so that 100 means everything."""
    return int(percent)


def _missing(part: Coverage) -> str:
    lines = sorted({each.line for each in part.items if each.level is Level.CREATED})
    return ", ".join(map(str, lines))
