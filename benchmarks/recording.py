"""Measure the cost of recording: the same suite with and without it in turn, on one backend.

`python -m benchmarks.recording` prints the medians of the suite's time and of the time in which the harness
records, and the share of this in that. It loads itself into each run as a plugin of pytest. It also prints
the cost of the request log per call, measured on two emulators in turn, of which one keeps the log.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

from harness import Settings, backends
from harness.aws import clients
from harness.backends import ministack
from harness.report.diagnosis.observer import Observer
from harness.report.diagnosis.summary import Files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pytest

    from harness import Endpoint

ROOT = Path(__file__).parents[1]
ROUNDS = 3
CALLS = 300
log = logging.getLogger(__name__)
_RESULT = "BENCHMARK_RECORDING_RESULT"  # the variable that names the file for a run's figures
_REQUEST_LOG = "LAMBDA_PROCESS_REQUEST_LOG"
# Where the harness records: what it looks up after a test, leaves out, and writes.
_RECORDING = ((Observer, "_evidence"), (Observer, "_redact"), (Files, "take"), (Files, "finish"))
_spent: list[float] = []
_begun = time.monotonic()


class Cost(NamedTuple):
    """The cost of recording for a suite.

    Attributes:
        seconds_on: The median of the suite's time with recording.
        seconds_off: That without.
        recorded_on: The median of the time that a run spends on recording.
        recorded_off: The same of a run that is to record nothing.
        share: That of recording in a suite's time.
        calls: How many AWS calls the request log of a run has.
        log_ms: The cost of the log per call, in milliseconds. Negative if the noise is greater.
        log_share: That of the log in a suite's time.
    """

    seconds_on: float
    seconds_off: float
    recorded_on: float
    recorded_off: float
    share: float
    calls: int
    log_ms: float
    log_share: float


def main(argv: Sequence[str] | None = None) -> None:
    """Run this benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recording", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="runs of each kind")
    parser.add_argument("--project", type=Path, default=ROOT / "examples" / "orders", help="whose suite")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    log.setLevel(logging.INFO)
    log.info("%s", measure(options.project, options.rounds))


def measure(project: Path, rounds: int) -> Cost:
    """Run a suite with recording and without in turn, on MiniStack."""
    with tempfile.TemporaryDirectory() as folder:
        calls = Path(folder) / "calls.jsonl"
        recorded = [f"--harness-report={folder}/report.html", "--harness-trace=retain-on-failure"]
        turns = [
            (_run(project, *recorded, f"--request-log={calls}"), _run(project, "--artifacts-of=none"))
            for _ in range(rounds)
        ]
        noted = len(calls.read_text("utf-8").splitlines()) - 1
    on, off = zip(*turns, strict=True)
    seconds = statistics.median(each["seconds"] for each in on)
    spent = statistics.median(each["recorded"] for each in on)
    per_call = _cost_of_a_noted_call()
    return Cost(
        seconds_on=round(seconds, 1),
        seconds_off=round(statistics.median(each["seconds"] for each in off), 1),
        recorded_on=round(spent, 2),
        recorded_off=round(statistics.median(each["recorded"] for each in off), 2),
        share=round(spent / seconds, 3),
        calls=noted,
        log_ms=round(per_call * 1000, 2),
        log_share=round(noted * per_call / seconds, 4),
    )


def _run(project: Path, *options: str) -> Mapping[str, float]:
    """Run the suite, and return its figures."""
    with tempfile.NamedTemporaryFile(suffix=".json") as result:
        environ = {**os.environ, _RESULT: result.name, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "pytest", "-q", "-n0", "--backend=ministack", *options]
        subprocess.run([*command, "-p", "benchmarks.recording"], cwd=project, env=environ, check=True)  # noqa: S603 - our own interpreter
        figures: dict[str, float] = json.loads(Path(result.name).read_text("utf-8"))
        return figures


def _cost_of_a_noted_call() -> float:
    """Return by how many seconds a call takes longer where it is noted: the difference of the medians."""
    settings = replace(Settings.from_env(os.environ), backend="ministack")
    environ = ministack._environ  # noqa: SLF001 - no setting turns the log off

    def without_log(*given: Any) -> dict[str, str]:  # noqa: ANN401 - whatever it takes
        return {name: value for name, value in environ(*given).items() if name != _REQUEST_LOG}

    with ExitStack() as stack:
        noting = stack.enter_context(backends.started(settings))
        with patch.object(ministack, "_environ", without_log):
            silent = stack.enter_context(backends.started(settings))
        called = [(_call(noting), _call(silent)) for _ in range(CALLS)]
    return statistics.median(noted for noted, _ in called) - statistics.median(plain for _, plain in called)


def _call(endpoint: Endpoint) -> float:
    begun = time.perf_counter()
    clients.client(endpoint, "sqs").list_queues()
    return time.perf_counter() - begun


def _timed(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def measured(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever it takes
        begun = time.monotonic()
        try:
            return function(*given, **named)
        finally:
            _spent.append(time.monotonic() - begun)

    return measured


def pytest_configure(config: pytest.Config) -> None:
    """Measure the run that this module is loaded into, if it is one of the benchmark's."""
    if os.environ.get(_RESULT) and not config.option.collectonly:
        for owner, name in _RECORDING:
            setattr(owner, name, _timed(getattr(owner, name)))


def pytest_unconfigure() -> None:
    """Hand over the figures."""
    if file := os.environ.get(_RESULT):
        figures = {"seconds": time.monotonic() - _begun, "recorded": sum(_spent)}
        Path(file).write_text(json.dumps(figures), "utf-8")


if __name__ == "__main__":
    main()
