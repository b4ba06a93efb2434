"""The observer from outside: the files that a run of pytest leaves behind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness.report import trace_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.processes
# A deployment that was never applied: its emulator is a file, its only function logs one line.
CONFTEST = """
import time
from pathlib import Path
import pytest
from harness import Deployment, Endpoint
from harness.values import Outputs
from harness.terraform.commands import Terraform

class Client:
    def get_paginator(self, _name):
        return self

    def paginate(self, logGroupName, startTime=0):
        message = f"a line of {logGroupName}"
        yield {"events": [{"timestamp": time.time() * 1000, "logStreamName": "s", "message": message}]}

class Fake(Deployment):
    def client(self, service):
        return Client()

    def resources(self, kind=""):
        from harness.values import Resource
        return [Resource(address="f", type="aws_lambda_function", values={"function_name": "greet"})]

@pytest.fixture(scope="session")
def endpoint(tmp_path_factory):
    log = tmp_path_factory.mktemp("emulator") / "emulator.log"
    log.write_text("from the start\\n")
    return Endpoint(backend="fake", url="http://127.0.0.1:1", region="eu-north-1", log=log)

@pytest.fixture(scope="session")
def deployment(endpoint, tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    terraform = Terraform(program="none", root=root, environ={}, variables={}, timeout=1)
    return Fake(endpoint=endpoint, terraform=terraform, outputs=Outputs({}))
"""
TESTS = """
import os
from harness.base.telemetry import timeline

def test_good(deployment):
    with timeline.phase("a step"):
        pass

def test_bad(deployment):
    with deployment.endpoint.log.open("a") as log:
        log.write("while the bad one ran\\n2026-01-02 03:04:05 WARNING [sns] the policy denies it\\n")
    assert False, "as it must"

def test_without_a_deployment():
    assert False
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    monkeypatch.delenv("HARNESS_BACKEND", raising=False)
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_it=TESTS)
    return pytester.runpytest_subprocess


def folders(root: Path) -> dict[str, list[str]]:
    """Return the files in each test's folder, by the readable part of the folder's name."""
    found = sorted((root / "artifacts").glob("*"))
    return {re.sub(r"-[0-9a-f]{8}$", "", each.name): sorted(f.name for f in each.iterdir()) for each in found}


def test_a_failed_test_has_its_logs_kept(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    result = run()

    result.assert_outcomes(passed=1, failed=2)
    assert folders(pytester.path) == {"test_it.py-test_bad": ["emulator.log", "lambda-greet.log"]}
    (folder,) = (pytester.path / "artifacts").iterdir()
    assert (folder / "emulator.log").read_text("utf-8").startswith("while the bad one ran\n")
    assert "a line of /aws/lambda/greet" in (folder / "lambda-greet.log").read_text("utf-8")
    result.stdout.fnmatch_lines(
        [
            "*what the emulator complained of*",
            "WARNING [[]sns] the policy denies it",
            f"*{folder.name}",
        ]
    )


def test_all_tests_have_their_logs_kept_on_request(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    run("--artifacts-of=all", "--artifacts=artifacts")

    assert list(folders(pytester.path)) == ["test_it.py-test_bad", "test_it.py-test_good"]


def test_nothing_is_kept_on_request(run: Callable[..., pytest.RunResult], pytester: pytest.Pytester) -> None:
    run("--artifacts-of=none")

    assert folders(pytester.path) == {}


@pytest.mark.parametrize("workers", [[], ["-n2"]])
def test_the_report_has_every_test_its_logs_and_the_facts(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester, workers: list[str]
) -> None:
    result = run("--harness-report=out/report.html", *workers)

    result.stdout.fnmatch_lines(["*report: *out/report.html*"])
    html = (pytester.path / "out" / "report.html").read_text("utf-8")
    for told in ("test_good", "test_bad", "as it must", "while the bad one ran", "a step", "fake"):
        assert told in html
    assert ('<span class="worker">gw0</span>' in html) == bool(workers)
    for told in ("set-up", '<td class="kind">assert</td>', ">test_it.py:11<", "test_it.py::test_bad</code>"):
        assert told in html, told


def test_a_record_of_the_run_has_all_that_its_report_would_have(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    result = run("--harness-report=out/report.zip")

    result.stdout.fnmatch_lines(["record: harness report *out/report.zip ..."])
    recorded = trace_file.read(pytester.path / "out" / "report.zip")
    assert [(test.id, test.outcome) for test in recorded.tests] == [
        ("test_it.py::test_good", "passed"),
        ("test_it.py::test_bad", "failed"),
        ("test_it.py::test_without_a_deployment", "failed"),
    ]
    assert "a step" in [span.name for test in recorded.tests for span in test.spans]


def test_a_crashed_worker_is_in_the_report(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(test_it="import os\ndef test_crash(): os._exit(3)\ndef test_other(): pass")

    run("--harness-report=report.html", "-n1")

    html = (pytester.path / "report.html").read_text("utf-8")
    assert "crashed while running" in html
    assert "test_other" in html


@pytest.mark.parametrize("given", [(), ("-q",)], ids=["as usual", "quiet"])
def test_why_tests_failed_is_told_at_once_and_at_the_end_a_line_for_each_cause(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester, given: tuple[str, ...]
) -> None:
    pytester.makepyfile(
        test_it="""
        import pytest
        from harness import eventually

        @pytest.mark.parametrize("number", [1, 2])
        def test_waiting(deployment, number):
            eventually(lambda: 0, until=bool, what="an object", timeout=0.1)

        def test_wrong(deployment):
            assert 1 == 2, "other"

        def test_of_no_stack():
            assert False
        """
    )

    lines = run(*given).stdout.lines

    cause = "waited 0.1 s for an object; last seen: 0"
    assert [line for line in lines if line.startswith("✗ test_it.py")] == [
        f"✗ test_it.py::test_waiting[1]: {cause}",
        "✗ test_it.py::test_wrong: AssertionError: other",
    ]
    (begin,) = (number for number, line in enumerate(lines) if re.fullmatch("=+ why =+", line))
    assert begin > max(number for number, line in enumerate(lines) if line.startswith("FAILED"))
    assert lines[begin + 1 : begin + 7] == [
        f"✗ {cause}",
        "    test_it.py::test_waiting[1]",
        "    test_it.py::test_waiting[2]",
        "✗ AssertionError: other",
        "    test_it.py::test_wrong",
        next(line for line in lines if line.startswith("again: pytest ")),
    ]


FAILING = """
import pytest
from harness import eventually
from harness.stack.hops import Hop
from harness.values import Sent
from harness.aws import outbox

TRACEBACK = "".join(f'  File "src/app.py", line {number}, in f\\n    g()\\n' for number in range(20))

@pytest.fixture(autouse=True)
def traced(deployment, monkeypatch):
    def trace(self, sent):
        yield Hop(name="accepted by EventBridge", state="reached", seen="id 1", payload="{" + "x" * 500)
        yield Hop(name="matched a rule", state="reached", seen="placed", payload="{" + "x" * 500)
        yield Hop(name="function invoked", state="reached", seen="worker: request r-1", payload="{}")
        seen = f"request r-1: ValueError: {sent.id}\\n" + TRACEBACK
        yield Hop(name="function returned", state="failed", seen=seen)
        yield Hop(name="outcome handed on", state="unreached", seen="worker has no destination")
    monkeypatch.setattr(type(deployment), "trace", trace)

@pytest.mark.parametrize("number", range(NUMBER))
def test_stored(deployment, number):
    outbox.remember(Sent(arn="arn:aws:events:::event-bus/default", id=f"cause-{number % 4}", payload=""))
    eventually(lambda: [], what="an object", timeout=0.1)
"""


@pytest.mark.parametrize(("number", "most"), [(1, 45), (12, 250)])
def test_failures_are_short(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester, number: int, most: int
) -> None:
    pytester.makepyfile(test_it=FAILING.replace("NUMBER", str(number)))

    lines = run().stdout.lines

    assert len(lines) <= most, len(lines)
    causes = [line for line in lines if line.startswith("✗ function returned: ValueError: cause-")]
    assert len(causes) == min(number, 4)
    assert causes[0].endswith(" (src/app.py:19)")


def test_a_failure_of_the_harness_shows_the_users_own_lines_only(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(
        test_it="""
        import logging
        from harness import eventually

        def test_waiting(deployment):
            logging.getLogger("harness.terraform").setLevel(logging.INFO)
            logging.getLogger("harness.terraform").info("app" + "lying")
            logging.getLogger("harness.terraform").warning("a warning")
            eventually(lambda: 0, until=bool, what="an object", timeout=0.1)
        """
    )

    text = run().stdout.str()

    assert "polling.py" not in text
    assert ">       eventually(lambda: 0" in text
    assert "a warning" in text
    assert "applying" not in text
    assert "polling.py" in run("--full-trace").stdout.str()


def test_looking_at_the_options_starts_nothing(run: Callable[..., pytest.RunResult]) -> None:
    result = run("--help")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["*--harness-report=FILE*"])


def test_no_secret_is_in_the_report(run: Callable[..., pytest.RunResult], pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        CONFTEST
        + """
@pytest.fixture(autouse=True)
def state(deployment):
    outputs = {"login": {"value": {"a": "of-the-output"}, "sensitive": True}}
    deployment.terraform.state.write_text(json.dumps({"terraform_version": "1.11.4", "outputs": outputs}))
"""
    )
    pytester.makepyfile(
        conftest="import json\n" + (pytester.path / "conftest.py").read_text("utf-8"),
        test_it="""
        def test_secrets(harness_settings, deployment):
            print("of-the-variable, of-the-output, of-the-tfvars, AKIAIOSFODNN7EXAMPLE")
            print("from-the-environ, X-Api-Key: of-a-header")
            with deployment.endpoint.log.open("a") as log:
                log.write('{"password": "of-a-body"} of-the-variable')
            assert {"db": "of-the-variable"} == {}
        """,
    )
    root = pytester.mkdir("terraform")
    declared = 'variable "login" {\n  sensitive = true\n}\nvariable "db_password" {}\nvariable "size" {}\n'
    (root / "main.tf").write_text(declared, "utf-8")
    (root / "terraform.tfvars").write_text('db_password = "of-the-tfvars"\n', "utf-8")
    options = ("--harness-report=report.html", "--terraform-var=login=of-the-variable", "--terraform-dir")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_SESSION_TOKEN", "from-the-environ")
        patch.setenv("PWD", "test_secrets")  # a folder, and no password
        run(*options, "terraform")

    html = (pytester.path / "report.html").read_text("utf-8")
    assert "[redacted]" in html
    secrets = ("variable", "output", "tfvars", "header", "body")
    assert [each for each in secrets if f"of-the-{each}" in html or f"of-a-{each}" in html] == []
    assert "from-the-environ" not in html
    assert "test_secrets" in html
    assert "AKIAIOSFODNN7EXAMPLE" not in html
    for fact in ("db_password, login", "1.11.4", "--terraform-var=login=[redacted]"):
        assert fact in html
