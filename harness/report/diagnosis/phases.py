"""The set-up, call and teardown of a test, from pytest's reports."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.base.telemetry.actions import Action
from harness.report.results import Part

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from harness.report.diagnosis.sources import Sources
    from harness.report.results import Outcome

_NAMES = {"setup": "set-up", "call": "call", "teardown": "teardown"}


def part(made: pytest.TestReport, done: Iterable[Action], sources: Sources) -> Part:
    """Return set-up, call or teardown with its actions.

    A failed assertion of the test itself is the last one.

    Args:
        made: pytest's report.
        done: The actions.
        sources: The project's files.
    """
    located = (replace(action, place=sources.relative(action.place)) for action in done)
    known = sorted(located, key=lambda action: action.begun)
    if made.failed and made.when == "call" and all(action.ok for action in known):
        name = (error(made).strip().splitlines() or ["it failed"])[0]
        end, place = made.start + made.duration, sources.relative(crash(made))
        known.append(Action(kind="assert", name=name, begun=end, seconds=0.0, ok=False, place=place))
    return Part(
        name=_NAMES[made.when or "call"],
        outcome=outcome(made),
        begun=made.start,
        seconds=made.duration,
        actions=tuple(known),
    )


def crash(made: pytest.TestReport) -> str:
    """Return the line that raised a failure, as `file:line`, or an empty text."""
    entries = getattr(getattr(made.longrepr, "reprtraceback", None), "reprentries", [])
    places = [place for entry in entries if (place := getattr(entry, "reprfileloc", None))]
    return f"{places[-1].path}:{places[-1].lineno}" if made.failed and places else ""


def outcome(made: pytest.TestReport) -> Outcome:
    """Return how a set-up, call or teardown ended."""
    if hasattr(made, "wasxfail"):
        return "xfailed" if made.skipped else "xpassed"
    if made.failed:
        return "failed" if made.when == "call" else "error"
    return "skipped" if made.skipped else "passed"


def message(made: pytest.TestReport) -> str:
    """Return why it did not pass, at length."""
    if made.skipped and isinstance(made.longrepr, tuple):
        return str(made.longrepr[2])
    return made.longreprtext


def error(made: pytest.TestReport) -> str:
    """Return the error alone, without the lines of source that led to it."""
    crash = getattr(made.longrepr, "reprcrash", None)
    return str(crash.message) if crash else made.longreprtext
