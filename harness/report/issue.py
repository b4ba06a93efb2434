"""One failure as Markdown, to be pasted into an issue."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.report import texts
from harness.report.failures import again
from harness.stack import hops

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.report.results import Run, TestResult

MOST_LINES = 15  # of a log
_MOST_LOGS = 4
_MOST_RUNS = 2  # of functions, the last ones
_VERSIONS = ("backend", "region", "terraform", "providers", "python", "terraform-lambda-harness", "commit")
_FENCE = re.compile(r"`{3,}")


def markdown(test: TestResult, run: Run) -> str:
    """Return a failed test as Markdown: cause, place, hops, the last lines of its logs, versions."""
    return "\n".join(_lines(test, run)) + "\n"


def _lines(test: TestResult, run: Run) -> Iterator[str]:
    yield f"### {_code(test.id)} {test.outcome}"
    cause = texts.reason(test) or test.outcome
    yield f"\n**Cause:** {_code(cause.removesuffix(f' ({test.place})'))}"
    if test.place:
        yield f"\n**Place:** {_code(test.place)}"
    yield f"\n**Again:** {_code(again(run, [test]))}"
    for trace in test.hops:
        yield from _block(f"How far {trace.event} came", texts.clean(hops.format_hops(trace.hops)))
    if test.message:
        marked = [line for line in texts.clean(test.message).splitlines() if line.startswith(("E ", ">"))]
        yield from _block("Error", "\n".join(marked[:MOST_LINES]) or _end(test.message))
    failed = [each for each in test.invocations if each.error]
    for each in (failed or list(test.invocations))[-_MOST_RUNS:]:
        yield from _block(f"The last lines of {each.function}, request {each.request_id}", _end(each.log))
    for name, text in list(test.sections.items())[:_MOST_LOGS]:
        yield from _block(f"The last lines of {name}", _end(text))
    known = {name: run.facts[name] for name in _VERSIONS if name in run.facts}
    if known:
        yield "\n**Versions**\n"
        yield from (f"- {name}: {text}" for name, text in known.items())


def _block(title: str, text: str) -> Iterator[str]:
    """Return a text below its title, in a fence that is longer than any in the text."""
    fence = "`" * max([3, *(len(each) + 1 for each in _FENCE.findall(text))])
    yield f"\n**{title}**\n\n{fence}text\n{text}\n{fence}"


def _end(text: str) -> str:
    return "\n".join(texts.clean(text).rstrip().splitlines()[-MOST_LINES:])


def _code(text: str) -> str:
    """Return a text as inline code on one line, whatever it contains."""
    line = " ".join(texts.clean(text).split())
    ticks = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    pad = " " if "`" in line else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"
