from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.base import caller
from harness.coverage import Coverage, CoverageItem, Level
from harness.coverage.recorder import CoverageRecorder, ReportOptions
from harness.values import Outputs

COVERED = CoverageItem(address="aws_s3_bucket.b", level=Level.USED, why="why", file="main.tf", line=1)


def test_what_a_worker_gathered_comes_to_the_controller_and_a_crashed_one_tells_nothing() -> None:
    worker, controller = (CoverageRecorder(ReportOptions(), Path()) for _ in range(2))
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

    done.stderr.fnmatch_lines(
        ["*--iac-coverage-report*expected html:FILE or lcov:FILE or cobertura:FILE or json:FILE*"]
    )
    assert done.ret == pytest.ExitCode.USAGE_ERROR


def test_an_output_counts_as_read_by_the_test_that_reads_it_by_name() -> None:
    recorder = CoverageRecorder(ReportOptions(), Path())
    outputs = Outputs({"url": "u", "name": "n", "arn": "a"})
    read = recorder.pytest_runtestloop()
    next(read)

    with caller.test_of("a.py::t"):
        assert outputs["url"] == "u"
        with caller.harness():
            assert outputs["name"] == "n"
            assert outputs.values["name"] == "n"
    with pytest.raises(StopIteration):
        read.send(None)
    with caller.test_of("a.py::t"):
        assert outputs["arn"] == "a"  # the tests are over

    assert recorder.readers == {"url": "test:a.py::t"}


def test_a_test_that_takes_all_outputs_may_have_read_any() -> None:
    recorder = CoverageRecorder(ReportOptions(), Path())
    read = recorder.pytest_runtestloop()
    next(read)

    with caller.test_of("a.py::t"):
        assert Outputs({"url": "u"}).values == {"url": "u"}

    assert recorder.readers == {"*": "test:a.py::t"}


def test_the_runs_report_has_the_table_and_a_link_to_the_page_with_the_source(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile("def test_it(): pass")

    pytester.runpytest_subprocess(
        "--harness-report=out/report.html", "--iac-coverage-report=html:pages/tf.html", "--permissions"
    )

    report = (pytester.path / "out" / "report.html").read_text("utf-8")
    assert '<a href="../pages/tf.html">with the source</a>' in report
    assert "Coverage of Terraform</h2>" in report
    assert re.search(r"Name +Items +Used", report)
    assert re.search(r"Role +Allowed +Used", report)
