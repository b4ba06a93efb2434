"""The failures of a run, those with the same cause together."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report import texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.report.results import Run, TestResult

FAILED = frozenset({"failed", "error", "xpassed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A cause, and the tests that failed because of it.

    Attributes:
        cause: Why, in one line.
        place: The place in the first test, as `file:line`. Empty if unknown.
        tests: The tests, each with its number on the page.
        again: The command that runs them again.
    """

    cause: str
    place: str
    tests: tuple[tuple[int, TestResult], ...]
    again: str


def failures(run: Run, tests: Sequence[TestResult]) -> list[Failure]:
    """Return the failures, the most frequent first.

    Args:
        run: The run.
        tests: Its tests, in the order in which the page has them.
    """
    found: dict[str, list[tuple[int, TestResult]]] = {}
    for number, test in enumerate(tests, 1):
        if test.outcome in FAILED:
            found.setdefault(texts.reason(test) or test.outcome, []).append((number, test))
    return [
        Failure(
            cause=cause.removesuffix(f" ({numbered[0][1].place})"),
            place=numbered[0][1].place,
            tests=tuple(numbered),
            again=again(run, [test for _, test in numbered]),
        )
        for cause, numbered in sorted(found.items(), key=lambda each: -len(each[1]))
    ]


def again(run: Run, tests: Sequence[TestResult]) -> str:
    """Return the command that runs `tests` again, with the options that the run had."""
    return shlex.join(["pytest", *run.options, *(test.id for test in tests)])
