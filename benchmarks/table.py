"""The benchmark's figures in words, as `python -m benchmarks.table` prints them for the documentation."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["REPORT", "cold_starts", "reads"]

REPORT = Path(__file__).parents[1] / "docs" / "benchmark.json"
_TWO_PLACES, _ONE_PLACE = 10, 100  # milliseconds below which figures have so many


def reads(report: Mapping[str, Any]) -> str:
    """Tabulate the reads: a row for each size, a column for each design."""
    rows = sorted(report["reads"], key=lambda row: int(row["objects"]))
    designs = list(dict.fromkeys(row["design"] for row in report["reads"]))
    sizes = [(size, {row["design"]: row for row in group}) for size, group in groupby(rows, _objects)]
    return "\n".join(
        [
            _line(["objects", *(f"{design}, p50" for design in designs)]),
            _line(["--:"] * (1 + len(designs))),
            *(_line([f"{size:,}", *(_cell(row[design]) for design in designs)]) for size, row in sizes),
        ]
    )


def cold_starts(report: Mapping[str, Any]) -> str:
    """Compare the functions' cold starts with the plain handler's, in processor time."""
    ratios = {row["handler"].rpartition(".")[2]: row["cpu_ratio"] for row in report["cold_starts"]}
    return (
        f"reader {ratios['reader']:.2f} and writer {ratios['writer']:.2f} times the plain handler's "
        "processor time"
    )


def _objects(row: Mapping[str, Any]) -> int:
    return int(row["objects"])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(row: Mapping[str, Any]) -> str:
    parts = [f"{_figure(row['p50_ms'])} ms"]
    if row["calls"] is not None:
        parts.append(f"{row['calls']:g} calls")
    return ", ".join(parts if row["right"] else [*parts, "**wrong**"])


def _figure(milliseconds: float) -> str:
    if milliseconds < _TWO_PLACES:
        return f"{milliseconds:.2f}"
    return f"{milliseconds:.1f}" if milliseconds < _ONE_PLACE else f"{milliseconds:,.0f}"


if __name__ == "__main__":
    measured = json.loads(REPORT.read_text("utf-8"))
    print(f"{reads(measured)}\n\n{cold_starts(measured)}")  # noqa: T201 - it is what this is for
