"""One report of a suite that several runs have shared: each has left a record of itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.report import trace_file
from harness.report.results import Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.report.results import TestResult

RECORDS = "report*.zip"  # in a folder
_REMEDY = "`pytest --harness-report=report.zip` leaves one"


def read(places: Iterable[Path]) -> Run:
    """Read the records of several runs, and return them as one run.

    Args:
        places: The records, or folders that hold some.

    Raises:
        HarnessError: A folder has no record, or a file is not a record.
        OSError: A record can't be read.
    """
    return merge([trace_file.read(file, most=trace_file.MOST_OF_A_RUN) for file in _files(places)])


def merge(runs: Sequence[Run]) -> Run:
    """Merge several runs into one. The tests of each are those of workers with its number.

    Raises:
        ValueError: There are no runs.
    """
    if not runs:
        raise ValueError("expected runs, got none")
    first, *others = runs
    begun = min(run.begun for run in runs)
    return Run(
        title=first.title,
        begun=begun,
        seconds=max(run.begun + run.seconds for run in runs) - begun,
        facts=_facts([run.facts for run in runs]),
        options=tuple(each for each in first.options if all(each in other.options for other in others)),
        spans=tuple(span for run in runs for span in run.spans),
        tests=tuple(test for number, run in enumerate(runs, 1) for test in _numbered(run, number)),
    )


def _files(places: Iterable[Path]) -> Iterator[Path]:
    """Yield the records, each once."""
    known: set[Path] = set()
    for place in places:
        found = sorted(place.rglob(RECORDS)) if place.is_dir() else [place]
        if not found:
            raise HarnessError(f"{place}: expected {RECORDS} in it, got none; {_REMEDY}")
        yield from (file for file in found if file not in known)
        known.update(found)


def _facts(each: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Merge the facts of the runs. If they differ, keep all values."""
    names = dict.fromkeys(name for facts in each for name in facts)
    return {name: "\n".join(dict.fromkeys(facts[name] for facts in each if name in facts)) for name in names}


def _numbered(run: Run, number: int) -> Iterator[TestResult]:
    return (replace(test, worker=f"{number} {test.worker}".strip()) for test in run.tests)
