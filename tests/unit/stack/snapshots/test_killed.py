"""A run is killed while it saves or restores a snapshot. The next run works, and loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from harness.lifetimes.sweep import sweep
from harness.stack.snapshots import Cache

if TYPE_CHECKING:
    from tests.unit.fake_stack import FakeStack

pytestmark = pytest.mark.processes

# Brings the stack up and down. A run that gets a name dies as soon as it calls the function of that name.
RUN = """
import os, signal, sys
from unittest import mock
from harness import Settings, deployed

def die(*_arguments, **_more):
    os.kill(os.getpid(), signal.SIGKILL)

with mock.patch(sys.argv[1], die) if sys.argv[1:] else mock.MagicMock():
    with deployed(Settings.from_env(os.environ)) as stack:
        assert stack.outputs["answer"] == "42"
"""
FETCH = "harness.stack.snapshots.state.fetch"
SAVING = {
    "as it asks for the state": FETCH,
    "as it writes the file": "harness.stack.snapshots.snapshot.Snapshot._pack",
    "as it puts the file in its place": "pathlib.Path.replace",
}


def run(project: FakeStack, *dies_at: str) -> int:
    """Run in a process of its own, and return its exit code."""
    environ = {**os.environ, **project.environ, "HARNESS_BACKEND": "fake:stateful"}
    argv = [sys.executable, "-c", RUN, *dies_at]
    path = os.pathsep.join([str(project.folder), *sys.path])
    return subprocess.run(
        argv, cwd=project.folder, env={**environ, "PYTHONPATH": path}, check=False, timeout=60
    ).returncode


def steps(project: FakeStack) -> list[str]:
    """Return what the runs have done to the stack so far, and forget it."""
    done = [step for step in project.done() if step in {"apply", "saved", "restored"}]
    (project.folder / "notes").unlink()
    return done


@pytest.mark.parametrize("function", SAVING.values(), ids=SAVING)
def test_a_run_that_is_killed_while_it_saves_leaves_no_half_snapshot(
    project: FakeStack, function: str
) -> None:
    assert run(project, function) == -signal.SIGKILL
    assert Cache.of(project.settings()).files() == []
    assert steps(project) == (["apply"] if function == FETCH else ["apply", "saved"])

    assert run(project) == 0
    assert steps(project) == ["apply", "saved"]
    assert run(project) == 0
    assert steps(project) == ["restored"]


def test_a_run_that_is_killed_while_it_restores_leaves_the_snapshot_whole(project: FakeStack) -> None:
    assert run(project) == 0
    (before,) = Cache.of(project.settings()).files()
    content = before.read_bytes()
    steps(project)

    assert run(project, "harness.stack.snapshots.state.put") == -signal.SIGKILL
    assert [file.read_bytes() for file in Cache.of(project.settings()).files()] == [content]

    assert run(project) == 0
    assert steps(project)[-1] == "restored"


def test_all_that_a_killed_run_has_left_is_swept(project: FakeStack) -> None:
    assert run(project, SAVING["as it puts the file in its place"]) == -signal.SIGKILL

    sweep(project.settings())

    project.wait_until_clean()


def test_runs_that_save_the_same_stack_at_once_leave_one_snapshot(project: FakeStack) -> None:
    with ThreadPoolExecutor(2) as runs:
        codes = list(runs.map(lambda _: run(project), range(2)))

    assert codes == [0, 0]
    assert len(Cache.of(project.settings()).files()) == 1
    steps(project)
    assert run(project) == 0
    assert steps(project) == ["restored"]
