from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.coverage import Coverage, Covered, Level
from harness.coverage.recorder import Recorder, Wanted

COVERED = Covered(address="aws_s3_bucket.b", level=Level.USED, why="why", file="main.tf", line=1)


def test_what_a_worker_gathered_comes_to_the_controller_and_a_crashed_one_tells_nothing() -> None:
    worker, controller = (Recorder(Wanted(), Path()) for _ in range(2))
    worker.coverage = Coverage((COVERED,))
    output: dict[str, str] = {}
    worker.pytest_sessionfinish(SimpleNamespace(config=SimpleNamespace(workeroutput=output)))  # type: ignore[arg-type]

    controller.pytest_testnodedown(SimpleNamespace(workeroutput=output))
    controller.pytest_testnodedown(SimpleNamespace())

    assert controller.coverage == worker.coverage


def test_too_little_fails_the_run_and_says_so(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")

    done = pytester.runpytest_subprocess("--iac-coverage-fail-under=50")

    done.stdout.fnmatch_lines(["TOTAL*-", "*expected 50 % at least, got 0.00 %"])
    assert done.ret == pytest.ExitCode.TESTS_FAILED


def test_a_report_of_no_known_kind_is_a_mistake_of_usage(pytester: pytest.Pytester) -> None:
    done = pytester.runpytest_subprocess("--iac-coverage-report=xml:x")

    done.stderr.fnmatch_lines(["*--iac-coverage-report*expected lcov:FILE or json:FILE*"])
    assert done.ret == pytest.ExitCode.USAGE_ERROR
