"""Measure how soon a run tells the cause of a failure, and in how many lines.

`python -m benchmarks.causes` runs ten tests one by one on a stack that is kept on MiniStack. Each fails for a
reason of its own, and is a row of the table that it prints. It loads itself into each run as a plugin of
pytest, which notes when the call of the test begins.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from harness import Settings
from tests.contract import test_why
from tests.contract.small_stack import SmallStack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[1]
_BEGUN = "BENCHMARK_CAUSES_BEGUN"  # the variable that names the file for the time at which a call begins
_PROGRESS = re.compile(r"\[ *[\d.]+ s\]")


class Cause(NamedTuple):
    """How a run tells the cause of a failure.

    Attributes:
        reason: Why the test fails.
        seconds: From the begin of the test's call, in which it sends the event, until the cause is on screen.
        line: Which line of the run's output that is, without the progress of the stack.
        lines: How many lines the run prints.
    """

    reason: str
    seconds: float
    line: int
    lines: int


def measure_causes(backend: str) -> Iterator[Cause]:
    """Run each test by itself."""
    like = replace(Settings.from_env(os.environ), backend=backend)
    functions = [name for name in test_why.FUNCTIONS if backend in test_why.ONLY_ON.get(name, {backend})]
    tests = {name: f"test_stored[{name}]" for name in functions}
    tests |= {name: f"test_{name}" for name in test_why.OTHERS}
    with tempfile.TemporaryDirectory() as folder:
        project = SmallStack.made(like, Path(folder), test_why.TESTS.format(functions=functions))
        test_why.write_functions(Path(folder), functions)
        try:
            for reason, test in tests.items():
                yield _measured(project, reason, test)
        finally:
            command = [sys.executable, "-c", "from harness.cli import run; run()", "down"]
            subprocess.run(command, cwd=folder, env=_environ(project), check=True)  # noqa: S603 - our own


def _measured(project: SmallStack, reason: str, test: str) -> Cause:
    with tempfile.NamedTemporaryFile() as begun:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--keep",
            "-p",
            "benchmarks.causes",
            f"test_it.py::{test}",
        ]
        environ = {**_environ(project), _BEGUN: begun.name, "PYTHONPATH": str(ROOT)}
        lines: list[tuple[float, str]] = []
        with subprocess.Popen(  # noqa: S603 - our own interpreter
            command, cwd=project.settings.project, env=environ, stdout=subprocess.PIPE, text=True
        ) as run:
            lines += ((time.time(), line) for line in run.stdout or () if not _PROGRESS.match(line))
        number, (at, _) = next(each for each in enumerate(lines, 1) if "✗ " in each[1][1])
        seconds = at - float(Path(begun.name).read_text("utf-8"))
    return Cause(reason=reason.replace("_", " "), seconds=seconds, line=number, lines=len(lines))


def _environ(project: SmallStack) -> dict[str, str]:
    return {**os.environ, **project.settings.environ, "PYTHONUNBUFFERED": "1"}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call() -> None:
    """Note when the test's call begins, if this module is loaded by the benchmark."""
    if file := os.environ.get(_BEGUN):
        Path(file).write_text(str(time.time()), "utf-8")


def main(argv: Sequence[str] | None = None) -> None:
    """Print a row of the table for each reason."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.causes", description=__doc__)
    parser.add_argument("--backend", default="ministack")
    for each in measure_causes(parser.parse_args(argv).backend):
        print(f"| {each.reason} | {each.seconds:.1f} s | {each.line} | {each.lines} |", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
