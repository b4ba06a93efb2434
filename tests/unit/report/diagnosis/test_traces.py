"""The traces that a run leaves, seen from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.cli.reports import last_report
from harness.report import trace_file
from tests.unit.report.diagnosis.test_observer import CONFTEST

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.processes
TESTS = """
from harness.base.telemetry import actions

def test_good(deployment):
    pass

def test_bad(harness_settings, deployment):
    with deployment.endpoint.log.open("a") as log:
        log.write("while the bad one ran: of-the-variable\\n")
    with actions.reported("wait", "an object of-the-variable"):
        pass
    assert False, "as it must"
"""
SECRET = "of-the-variable"  # noqa: S105 - of nothing


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("HARNESS_BACKEND", raising=False)
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_it=TESTS)
    root = pytester.mkdir("terraform")
    (root / "main.tf").write_text('variable "login" {\n  sensitive = true\n}\n', "utf-8")
    return pytester.path


def traces(project: Path) -> list[Path]:
    return sorted((project / "artifacts" / "traces").glob("*.zip"))


@pytest.mark.parametrize("workers", [[], ["-n2"]])
def test_a_failed_test_leaves_a_trace_and_no_secret_of_any_worker(
    pytester: pytest.Pytester, project: Path, workers: list[str]
) -> None:
    result = pytester.runpytest_subprocess(
        "--harness-trace=retain-on-failure",
        "--harness-report=report.html",
        f"--terraform-var=login={SECRET}",
        *workers,
    )

    (file,) = traces(project)
    result.stdout.fnmatch_lines([f"traces: harness show-trace {file}"])
    run = trace_file.read(file)
    (test,) = run.tests
    assert (test.id, test.outcome) == ("test_it.py::test_bad", "failed")
    assert [part.name for part in test.parts] == ["set-up", "call", "teardown"]
    assert [action.name for action in test.parts[1].actions] == [
        "an object [redacted]",
        "AssertionError: as it must",
    ]
    assert test.sections["emulator.log"].endswith("while the bad one ran: [redacted]\n")
    assert "a line of /aws/lambda/greet" in str(test.sections)
    assert run.facts["backend"] == "fake"
    assert "--terraform-var=login=[redacted]" in run.facts["command"]
    assert {SECRET in run.to_json(), SECRET in trace_file.html(file)} == {False}
    assert SECRET not in (project / "report.html").read_text("utf-8")
    assert last_report(project / "artifacts") == project / "report.html"
    assert list((project / ".pytest_cache" / "d" / "harness-templates").iterdir()) != []


def test_a_trace_of_every_test_on_request_and_none_of_an_earlier_run(
    pytester: pytest.Pytester, project: Path
) -> None:
    result = pytester.runpytest_subprocess("--harness-trace=on", "--artifacts-of=none")

    assert [trace_file.read(file).tests[0].outcome for file in traces(project)] == ["failed", "passed"]
    assert [each.name for each in (project / "artifacts").iterdir()] == ["traces"]
    result.stdout.fnmatch_lines(["*and 1 more in that folder"])

    pytester.runpytest_subprocess("-k", "bad")

    assert len(traces(project)) == 1


def test_that_a_trace_cant_be_written_does_not_end_the_run(pytester: pytest.Pytester, project: Path) -> None:
    (project / "artifacts").write_text("a file", "utf-8")

    result = pytester.runpytest_subprocess("--harness-trace=on", "--artifacts-of=none")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["no trace of test_it.py::test_good: *"])
