"""Coverage as a table for a terminal, as lcov, and as JSON."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from harness.coverage.levels import Coverage, Level
from harness.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from harness.coverage.levels import Covered

_ELSEWHERE = "(in no file)"
_COLUMNS = ("Resources", "Used", "Asserted", "Unknown", "Cover")


def table(coverage: Coverage) -> list[str]:
    """Return the lines of a table in the manner of coverage.py's: a row for each file, and the total."""
    rows = [(name, part, _missing(part)) for name, part in _by_file(coverage)]
    rows.append(("TOTAL", coverage, ""))
    width = max(len(name) for name, _, _ in rows)
    head = f"{'Name':<{width}}" + "".join(f"{name:>11}" for name in _COLUMNS) + "   Not used"
    lines = [f"{name:<{width}}{_figures(part)}   {missing}".rstrip() for name, part, missing in rows]
    rule = "-" * len(head)
    return [head, rule, *lines[:-1], rule, lines[-1]]


def lcov(coverage: Coverage) -> str:
    """Return the coverage as lcov's: a block's line has been run as often as resources of it were used.

    What could not be judged is left out. https://github.com/linux-test-project/lcov/blob/master/man/geninfo.1
    """
    return "".join(_record(name, part) for name, part in _by_file(coverage) if name != _ELSEWHERE)


_WRITERS: Mapping[str, Callable[[Coverage], str]] = {"lcov": lcov, "json": Coverage.to_json}


def check(report: str) -> tuple[str, str]:
    """Return the kind and the file of a report that is asked for as `KIND:FILE`.

    Raises:
        SettingsError: It has another form.
    """
    kind, _, file = report.partition(":")
    if kind not in _WRITERS or not file:
        expected = " or ".join(f"{name}:FILE" for name in _WRITERS)
        raise SettingsError("--iac-coverage-report", expected=expected, got=report)
    return kind, file


def write(coverage: Coverage, kind: str, file: Path) -> None:
    """Write a report of a kind that `check` knows."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_WRITERS[kind](coverage), "utf-8")


def _by_file(coverage: Coverage) -> Iterator[tuple[str, Coverage]]:
    ordered = sorted(coverage.resources, key=lambda each: (each.file, each.line, each.address))
    for file, inside in groupby(ordered, key=lambda each: each.file):
        yield file or _ELSEWHERE, Coverage(tuple(inside))


def _figures(part: Coverage) -> str:
    asserted = part.count(Level.ASSERTED)
    numbers = (len(part.resources), part.count(Level.USED) + asserted, asserted, part.count(Level.UNKNOWN))
    cover = f"{_floored(part.percent)}%" if part.judged else "-"
    return "".join(f"{text:>11}" for text in (*map(str, numbers), cover))


def _floored(percent: float) -> int:
    """Return whole percents: 100 only where nothing is left."""
    return int(percent)


def _missing(part: Coverage) -> str:
    lines = sorted({each.line for each in part.resources if each.level is Level.CREATED})
    return ", ".join(map(str, lines))


def _record(name: str, part: Coverage) -> str:
    lines = {line: list(inside) for line, inside in groupby(part.judged, key=lambda each: each.line)}
    hits = {line: _hits(inside) for line, inside in lines.items()}
    data = "".join(f"DA:{line},{count}\n" for line, count in hits.items())
    reached = sum(count > 0 for count in hits.values())
    return f"TN:\nSF:{name}\n{data}LF:{len(hits)}\nLH:{reached}\nend_of_record\n"


def _hits(resources: list[Covered]) -> int:
    return sum(each.level.is_used for each in resources)
