"""Coverage as a table for a terminal, and as files: HTML, lcov, Cobertura, JSON."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from harness.coverage.levels import Coverage
from harness.coverage.reports.formats import cobertura, lcov
from harness.coverage.reports.marked import html
from harness.coverage.reports.table import table
from harness.errors import HarnessError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["check", "merge", "table", "write"]

_WRITERS: Mapping[str, Callable[[Coverage, Path], str]] = {
    "html": html,
    "lcov": lambda coverage, _project: lcov(coverage),
    "cobertura": lambda coverage, _project: cobertura(coverage),
    "json": lambda coverage, _project: coverage.to_json(),
}


def check(report: str, option: str = "--iac-coverage-report") -> tuple[str, str]:
    """Split a report option `KIND:FILE` into kind and file.

    Raises:
        SettingsError: It has another form.
    """
    kind, _, file = report.partition(":")
    if kind not in _WRITERS or not file:
        expected = " or ".join(f"{name}:FILE" for name in _WRITERS)
        raise SettingsError(option, expected=expected, got=report)
    return kind, file


def write(coverage: Coverage, kind: str, file: Path, project: Path) -> None:
    """Write a report of a kind that `check` knows.

    Args:
        coverage: The coverage to report.
        kind: The kind.
        file: The file. Its directory is created if necessary.
        project: The directory to which the names of the Terraform files are relative.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_WRITERS[kind](coverage, project), "utf-8")


def merge(reports: Sequence[Path]) -> Coverage:
    """Merge the coverage in JSON reports, for example of parts of a suite or of several backends.

    Raises:
        HarnessError: A file is not such a report.
        OSError: A file can't be read.
    """
    return reduce(lambda one, other: one.merged(other.items), map(_read, reports), Coverage())


def _read(report: Path) -> Coverage:
    try:
        return Coverage.from_json(report.read_text("utf-8"))
    except (ValueError, KeyError, TypeError):
        expected = "a report that `pytest --iac-coverage-report=json:FILE` has written"
        raise HarnessError(f"{report}: expected {expected}") from None
