"""Measure how large the HTML report is, and how long a browser takes to load it.

`python -m benchmarks.page` writes reports of 12 and 300 tests, some of which have failed. It opens each in
Chromium several times, and prints a row of the documentation's table for each, with the best time.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from playwright.sync_api import sync_playwright

from harness.report.page import write
from scripts import chromium
from tests.browser.test_report import large_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROUNDS = 7
RUNS = ((10, 2), (288, 12), (0, 300))  # tests that passed, and that failed
_LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"


class Loaded(NamedTuple):
    """How a browser loads a report.

    Attributes:
        tests: How many tests it has.
        failed: How many of them have failed.
        megabytes: Its size.
        seconds: From the begin of the navigation to the end of the page's own event `load`, at best.
    """

    tests: int
    failed: int
    megabytes: float
    seconds: float


def measure_loads() -> list[Loaded]:
    """Load each report."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.program(), args=[*chromium.QUIET])
        try:
            return [_measured(browser, Path(folder) / "report.html", *each) for each in RUNS]
        finally:
            browser.close()


def _measured(browser: Browser, report: Path, passing: int, failing: int) -> Loaded:
    write(large_run(passing=passing, failing=failing), report)
    return Loaded(
        tests=passing + failing,
        failed=failing,
        megabytes=report.stat().st_size / 1e6,
        seconds=min(_seconds_of_a_load(browser, report) for _ in range(ROUNDS)),
    )


def _seconds_of_a_load(browser: Browser, report: Path) -> float:
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        page = context.new_page()
        page.goto(report.as_uri())
        return float(page.evaluate(_LOADED)) / 1000


def main() -> None:
    """Print a row of the table for each report."""
    for each in measure_loads():
        print(f"| {each.tests} | {each.failed} | {each.megabytes:.2f} MB | {each.seconds:.2f} s |")  # noqa: T201


if __name__ == "__main__":
    main()
