"""Write the fidelity of emulators, as measured by the probes, into its page of the documentation.

`--check` changes nothing and fails if the table is out of date.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from harness.terraform.needs import fidelity, title_of
from harness.terraform.needs.features import SERVICES
from scripts import pages

PAGE = Path(__file__).parents[1] / "docs" / "fidelity.md"
BACKENDS = ("host", "localemu", "ministack")
_MISSING_ON = {"host": ("localstack", "host"), "localemu": ("localemu",), "ministack": ("ministack",)}
_NOT_TRIED = "not tried"
_LEVELS = ("enforced", "carried out", "declared", "missing")


def main(arguments: list[str] | None = None) -> int:
    """Update or check the page, and return the exit code."""
    return pages.update(PAGE, updated, arguments, script="fidelity_docs", description=__doc__)


def updated(page: str) -> str:
    """Return the page with fresh tables."""
    tables = {"features": _features(), "counts": _counts(), "services": _services()}
    return pages.replace_tables(page, tables, script="fidelity_docs")


def _features() -> str:
    rows = [
        [feature, *(levels.get(name, _NOT_TRIED) for name in BACKENDS)]
        for feature, levels in fidelity.levels().items()
    ]
    return _table("feature", rows)


def _counts() -> str:
    counts = {
        name: Counter(levels.get(name, _NOT_TRIED) for levels in fidelity.levels().values())
        for name in BACKENDS
    }
    return _table("level", [[level, *(str(counts[name][level]) for name in BACKENDS)] for level in _LEVELS])


def _services() -> str:
    """Return a row for each service that some backend lacks."""
    missing = {name: fidelity.missing(*reasons) for name, reasons in _MISSING_ON.items()}
    named = sorted(SERVICES & frozenset().union(*missing.values()), key=lambda name: title_of(name).lower())
    rows = [
        [title_of(each), *("missing" if each in missing[name] else "answers" for name in BACKENDS)]
        for each in named
    ]
    return _table("service", rows)


def _table(head: str, rows: list[list[str]]) -> str:
    cells = [[head, *(f"`{name}`" for name in BACKENDS)], ["---"] * (len(BACKENDS) + 1), *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)


if __name__ == "__main__":
    sys.exit(main())
