from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from harness import eventually
from harness.lifetimes import broker
from tests.unit.fake_stack import FakeStack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.processes
PATIENCE = 120  # seconds that a loaded machine may need
BACKEND = """
import logging
from contextlib import contextmanager
from harness import BackendError, Endpoint

log = logging.getLogger("harness.fake")

@contextmanager
def backend(settings):
    log.info("starting the fake")
    yield Endpoint(backend="fake", url="http://127.0.0.1:9", region=settings.region)
    log.info("stopping the fake")

@contextmanager
def broken(settings):
    problem = BackendError("broken", "it is out of order", log=["last line"])
    problem.add_note("seen on a Monday")
    raise problem
    yield
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    monkeypatch.delenv("HARNESS_BACKEND", raising=False)
    pytester.makepyfile(fake=BACKEND)
    pytester.syspathinsert()
    pytester.makepyfile(
        test_it="def test_one(endpoint): assert endpoint.backend == 'fake'\n"
        "def test_two(endpoint, harness_settings): assert harness_settings.backend.startswith('fake:')\n"
    )
    return pytester.runpytest_subprocess


def test_the_backend_is_started_once_and_its_progress_is_shown(run: Callable[..., pytest.RunResult]) -> None:
    result = run("--backend=fake:backend")

    result.assert_outcomes(passed=2)
    assert str(result.stdout).count("s] starting the fake") == 1
    assert str(result.stdout).count("s] stopping the fake") == 1


def test_a_backend_that_does_not_start_is_told_in_its_own_words(run: Callable[..., pytest.RunResult]) -> None:
    result = run("--backend=fake:broken")

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["backend 'broken': it is out of order", "*last line", "seen on a Monday"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_an_unknown_backend_is_told_in_its_own_words(run: Callable[..., pytest.RunResult]) -> None:
    result = run("--backend=hosst")

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["HARNESS_BACKEND: expected one of auto, *got 'hosst'"])


def test_no_snapshot_and_a_reset_to_one_exclude_each_other(run: Callable[..., pytest.RunResult]) -> None:
    result = run("--no-snapshot", "--harness-reset=snapshot")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--harness-reset=snapshot and --no-snapshot exclude each other*"])


def test_the_environment_chooses_where_no_option_does(
    run: Callable[..., pytest.RunResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_BACKEND", "fake:backend")

    run().assert_outcomes(passed=2)


TESTS = """
import os

import pytest

from fake import note

@pytest.mark.parametrize("number", range(4))
def test_it(deployment, number):
    note("test", os.getpid(), os.getppid(), deployment.endpoint.access_key)
    assert deployment.outputs["answer"] == "42"
"""

CRASHES = """
import os

from fake import note

def test_before(deployment):
    note("test", os.getpid())

def test_crash(deployment):
    os._exit(1)

def test_after(deployment):
    note("test", os.getpid())
"""

# Waits on both workers until the file `go` is there.
WAITS = """
import os
import time
from pathlib import Path

import pytest

from fake import note

@pytest.mark.parametrize("number", range(2))
def test_it(deployment, number):
    note("test", os.getpid())
    while not Path("go").exists():
        time.sleep(0.05)
"""
# Those of other plugins take time that these tests don't have.
ONLY = ("-p", "xdist.plugin", "-p", "harness.plugin")


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStack]:
    made = FakeStack.made(pytester.path)
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(test_it=TESTS)
    yield made
    made.kill()


def run_with(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess(*ONLY, *arguments, timeout=PATIENCE)


def test_workers_share_one_stack_that_processes_of_the_controller_hold(
    pytester: pytest.Pytester, project: FakeStack
) -> None:
    result = run_with(pytester, "-n2", "--dist=each")

    result.assert_outcomes(passed=8)
    assert project.counted() == {
        "started": 1,
        "init": 1,
        "apply": 1,
        "test": 8,
        "destroy": 1,
        "stopped": 1,
    }
    assert project.done()[-2:] == ["destroy", "stopped"]
    ((*_, keepers_parent),) = project.notes("started")
    assert {note[2] for note in project.notes("test")} == {keepers_parent}  # the controller
    assert len({note[1] for note in project.notes("test")}) == 2
    for step in ("terraform init", "terraform apply", "terraform destroy"):
        assert str(result.stdout).count(f"s] {step}\n") == 1
    project.wait_until_clean()


@pytest.mark.parametrize("workers", [(), ("-n2", "--dist=each")], ids=["one process", "two workers"])
def test_each_test_begins_with_the_stack_as_it_was_applied_if_that_is_asked_for(
    pytester: pytest.Pytester, project: FakeStack, workers: tuple[str, ...]
) -> None:
    pytester.makepyfile(test_it="def test_one(stack): pass\ndef test_two(stack): pass")

    result = run_with(pytester, "--backend=fake:stateful", "--harness-reset=snapshot", *workers)

    tests = 4 if workers else 2
    result.assert_outcomes(passed=tests)
    assert project.counted()["apply"] == 1
    assert project.counted()["restored"] == tests


def test_a_stack_without_a_snapshot_can_not_be_as_it_was_applied(
    pytester: pytest.Pytester, project: FakeStack
) -> None:
    pytester.makepyfile(test_it="def test_one(stack): pass")

    result = run_with(pytester, "--backend=fake:temporary", "--harness-reset=snapshot")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*expected a snapshot of this stack*"])
    project.wait_until_clean()


def test_each_worker_has_an_account_of_its_own_on_the_one_backend(
    pytester: pytest.Pytester, project: FakeStack
) -> None:
    result = run_with(pytester, "-n2", "--dist=each", "--stack-per-worker")

    result.assert_outcomes(passed=8)
    assert len(project.notes("started")) == len(project.notes("stopped")) == 1
    accounts = ["100000000000", "100000000001"]
    for command in ("apply", "destroy"):
        assert sorted(note[1] for note in project.notes(command)) == accounts
    assert sorted({note[3] for note in project.notes("test")}) == accounts
    assert len({note[2] for note in project.notes("apply")}) == 2  # two copies of the root
    assert project.done()[-1] == "stopped"
    project.wait_until_clean()


def test_a_worker_that_crashes_takes_nothing_with_it_and_leaves_nothing(
    pytester: pytest.Pytester, project: FakeStack
) -> None:
    pytester.makepyfile(test_it=CRASHES)

    result = run_with(pytester, "-n2")

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*worker 'gw?' crashed while running 'test_it.py::test_crash'*"])
    assert project.counted()["apply"] == project.counted()["destroy"] == project.counted()["started"] == 1
    project.wait_until_clean()


def test_nothing_is_started_where_no_test_asks_for_it(pytester: pytest.Pytester, project: FakeStack) -> None:
    pytester.makepyfile(test_it="def test_one(): pass\ndef test_two(harness_settings): pass")

    run_with(pytester, "-n2").assert_outcomes(passed=2)

    assert project.done() == []
    project.wait_until_clean()


def test_a_backend_that_does_not_start_is_told_to_each_test_and_tried_once(
    pytester: pytest.Pytester, project: FakeStack
) -> None:
    result = run_with(pytester, "-n2", "--backend=fake:broken")

    result.assert_outcomes(errors=4)
    result.stdout.fnmatch_lines(["backend 'broken': it is out of order", "seen on a Monday"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert project.done() == ["broken"]
    project.wait_until_clean()


def test_a_stack_that_is_not_applied_is_told_to_each_test_and_tried_once(
    pytester: pytest.Pytester, project: FakeStack
) -> None:
    project.failing("apply", "no such bucket")

    result = run_with(pytester, "-n2", "--dist=each")

    result.assert_outcomes(errors=8)
    result.stdout.fnmatch_lines(["terraform apply failed:", "error: no such bucket"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert project.done() == ["started", "init", "apply", "destroy", "stopped"]
    project.wait_until_clean()


def test_what_goes_with_the_emulator_is_destroyed_only_if_that_is_asked_for(
    pytester: pytest.Pytester, project: FakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_BACKEND", "fake:temporary")

    run_with(pytester).assert_outcomes(passed=4)
    assert not project.notes("destroy")
    assert project.done()[-1] == "stopped"

    run_with(pytester, "--destroy").assert_outcomes(passed=4)
    assert project.done()[-2:] == ["destroy", "stopped"]


def test_a_destroy_that_fails_makes_the_run_fail(pytester: pytest.Pytester, project: FakeStack) -> None:
    project.failing("destroy", "bucket not empty")

    result = run_with(pytester, "-n2")

    result.assert_outcomes(passed=4)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["ERROR: terraform destroy failed:", "error: bucket not empty"])
    assert project.counted()["stopped"] == 1
    project.wait_until_clean()


def test_a_backend_next_to_the_tests_is_found(pytester: pytest.Pytester, project: FakeStack) -> None:
    tests = pytester.mkdir("tests")
    for name in ("fake.py", "test_it.py"):
        (project.folder / name).rename(tests / name)

    run_with(pytester, "-n2", "tests").assert_outcomes(passed=4)

    assert (tests / "notes").read_text("utf-8").count("stopped\n") == 1


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
@pytest.mark.parametrize("sent", [(signal.SIGINT,), (signal.SIGTERM,), (signal.SIGINT, signal.SIGINT)])
def test_a_signal_destroys_and_stops_everything(
    project: FakeStack, pytester: pytest.Pytester, sent: tuple[signal.Signals, ...], workers: str
) -> None:
    project.script("[ $1 != destroy ] || sleep 1")
    pytester.makepyfile(test_it=WAITS)
    with _running(project, workers) as run:
        eventually(
            lambda: len(project.notes("test")) >= (1 if workers == "-n0" else 2),
            what="the tests",
            timeout=PATIENCE,
        )
        for number, one in enumerate(sent):
            time.sleep(number * 0.5)
            if one == signal.SIGINT:
                os.killpg(run.pid, one)  # as a terminal does it
            else:
                run.send_signal(one)
                (project.folder / "go").touch()  # else pytest-xdist lets the workers have 10 s
        run.communicate(timeout=40)

    project.wait_until_clean(timeout=20)
    assert run.returncode != 0
    assert project.counted()["destroy"] == project.counted()["stopped"] == 1


def test_a_controller_that_is_killed_leaves_no_process_and_notes_that_are_swept(
    project: FakeStack, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(test_it=WAITS)
    with _running(project, "-n2") as run:
        eventually(lambda: len(project.notes("test")) == 2, what="the tests", timeout=PATIENCE)
        run.kill()
        (project.folder / "go").touch()
        run.communicate(timeout=20)

    eventually(
        project.processes, until=lambda left: not left, what="the end of every process", timeout=PATIENCE
    )
    assert project.done()[-2:] == ["destroy", "stopped"]
    monkeypatch.setattr(tempfile, "tempdir", str(project.folder / "scratch"))
    assert len(broker.sweep()) == 1
    project.wait_until_clean()


@contextmanager
def _running(project: FakeStack, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-m", "pytest", *ONLY, *arguments]
    with subprocess.Popen(
        argv,
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as run:
        try:
            yield run
        finally:
            run.kill()


def test_the_next_run_attaches_to_what_is_kept(pytester: pytest.Pytester, project: FakeStack) -> None:
    run_with(pytester, "--keep").assert_outcomes(passed=4)
    first = project.done()
    run_with(pytester, "--keep").assert_outcomes(passed=4)

    assert first == ["started", "init", "apply", *["test"] * 4]
    assert project.done() == [*first, *["test"] * 4]


def test_workers_share_what_is_kept(pytester: pytest.Pytester, project: FakeStack) -> None:
    run_with(pytester, "--keep", "-n2").assert_outcomes(passed=4)
    run_with(pytester, "--keep", "-n2").assert_outcomes(passed=4)

    assert project.counted() == {"started": 1, "init": 1, "apply": 1, "test": 8}


def test_a_variable_and_a_root_can_be_given(pytester: pytest.Pytester, project: FakeStack) -> None:
    (project.folder / "terraform").rename(project.folder / "other")

    run_with(
        pytester, "--terraform-dir=other", "--terraform-var=a=1", "--terraform-var=b=x=y"
    ).assert_outcomes(passed=4)

    ((_, _, where, *arguments),) = project.notes("apply")
    assert where.endswith("/other")
    assert {"a=1", "b=x=y"} <= set(arguments)


def test_a_variable_without_a_value_is_told(pytester: pytest.Pytester, project: FakeStack) -> None:
    result = run_with(pytester, "--terraform-var=a")

    result.assert_outcomes(errors=4)
    result.stdout.fnmatch_lines(["--terraform-var: expected NAME=VALUE, got 'a'"])
    result.stdout.no_fnmatch_line("During handling of *")
    assert project.done() == []


DEBUGS = """
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from harness import Deployment
from harness.functions import debugger

@contextmanager
def debugged(deployment, name, settings, *, port, tell):
    tell(f"{name} waits at {port}")
    yield

debugger.debugged = debugged
resource = SimpleNamespace(type="aws_lambda_function", values={"function_name": "greet"})
Deployment.resources = lambda self, kind="": [resource] if kind in {"", resource.type} else []
"""
WAITS_FOR_LONG = """
import time
from harness import eventually

def test_it(deployment):
    begun = time.monotonic()
    eventually(lambda: time.monotonic() > begun + 0.3, what="more time than there is", timeout=0.01)
"""


def test_a_function_waits_for_a_debugger_and_tests_wait_for_it(
    pytester: pytest.Pytester, project: FakeStack
) -> None:
    pytester.makeconftest(DEBUGS)
    pytester.makepyfile(test_it=WAITS_FOR_LONG)

    done = run_with(pytester, "--debug-function=greet", "-n0")
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["greet waits at 5678"])
    assert project.counted()["apply"] == 1

    run_with(pytester, "-n0").assert_outcomes(failed=1)
    unknown = run_with(pytester, "--debug-function=great", "-n0")
    unknown.stdout.fnmatch_lines(
        ["--debug-function: expected one of greet, got 'great'; did you mean greet?"]
    )
    workers = run_with(pytester, "--debug-function=greet", "-n2")
    workers.stderr.fnmatch_lines(["*--debug-function needs all tests in one process*"])
