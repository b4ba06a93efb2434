"""The page: one HTML file that needs nothing else, not even JavaScript, to be read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from harness.redaction import Redaction
from harness.report import latency, texts
from harness.report.derived import changes
from harness.report.failures import FAILED, failures
from harness.report.issue import markdown
from harness.report.results import OUTCOMES
from harness.report.timeline import SLOWEST, in_order, slowest, timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jinja2 import Environment

    from harness.report.results import Run, TestResult

MOST_REQUESTS = 100  # requests that a test's table shows
MOST_TESTS = 5  # that a cause shows at once
LISTED = 12  # resources that are listed at once

_TEMPLATE = "page.html.jinja"
_SIGNS = {
    "passed": "✓",
    "failed": "✕",
    "error": "!",
    "skipped": "-",
    "xfailed": "~",
    "xpassed": "*",
    "reached": "✓",
    "unreached": "·",
    "unknown": "?",
}
_FILTERS: dict[str, Callable[..., object]] = {
    "with_changes": changes.shown,
    "cleaned": texts.clean,
    "csp_hash": texts.csp_hash,
    "duration": texts.duration,
    "excerpt": texts.excerpt,
    "indented": texts.indent_json,
    "instant": texts.instant,
    "issue": markdown,
    "path": texts.path,
    "reason": texts.reason,
    "status_class": latency.status_class,
}


def write(run: Run, path: Path, redaction: Redaction | None = None, *, templates: Path | None = None) -> None:
    """Write the report of `run` to the file `path`, and create its folder if necessary.

    Args:
        run: The run.
        path: The file.
        redaction: Removes secrets. By default, texts that look like one.
        templates: A folder for the compiled templates, which saves the next report a third of a second.

    Raises:
        OSError: The file can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(run, redaction, templates=templates), "utf-8", newline="\n")


def render(run: Run, redaction: Redaction | None = None, *, templates: Path | None = None) -> str:
    """Return the report of `run` as HTML, without secrets: see `write`."""
    run = run.redacted(redaction or Redaction())
    tests = sorted(run.tests, key=lambda test: (OUTCOMES.index(test.outcome), test.begun, test.id))
    spans = in_order({*run.spans, *(span for test in tests for span in test.spans)})
    requests = sorted((each for test in tests for each in test.requests), key=lambda each: each.begun)
    page = _environment(templates).get_template(_TEMPLATE)
    html = page.render(
        run=run,
        failures=failures(run, tests),
        tests=tests,
        counts=_counts(tests),
        phases=[span for span in spans if span.kind == "phase"],
        resources=slowest(spans),
        timeline=timeline(run, spans, tests),
        chart=latency.chart(requests),
        figures=latency.figures(requests),
    )
    return texts.printable(html)


def _counts(tests: Sequence[TestResult]) -> dict[str, int]:
    """Return how many tests ended in each way, the worst first."""
    counted = Counter(test.outcome for test in tests)
    return {outcome: counted[outcome] for outcome in OUTCOMES if counted[outcome]}


def _environment(templates: Path | None) -> Environment:
    from jinja2 import (  # noqa: PLC0415 - slow; few runs need it
        Environment,
        FileSystemBytecodeCache,
        FileSystemLoader,
        StrictUndefined,
    )

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        bytecode_cache=FileSystemBytecodeCache(str(templates)) if templates else None,
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_FILTERS)
    environment.globals.update(
        failed=FAILED,
        listed=LISTED,
        most_requests=MOST_REQUESTS,
        most_tests=MOST_TESTS,
        signs=_SIGNS,
        slowest=SLOWEST,
    )
    return environment
