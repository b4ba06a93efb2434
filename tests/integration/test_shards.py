"""A suite in shards, each on a machine of its own: all restore one snapshot, and one command merges all."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from harness.coverage import reports as coverage
from tests.contract.small_stack import SmallStack

if TYPE_CHECKING:
    from harness import Settings

pytestmark = pytest.mark.usefixtures("on_an_emulator_of_its_own")

SHARDS = (1, 2)
TESTS = """
def test_a_bucket_takes_objects(stack):
    stack.bucket().put("greeting", b"hello")
    assert stack.bucket().get("greeting").body == b"hello"

def test_a_topic_takes_messages(stack):
    with stack.topic().subscribed() as inbox:
        stack.topic().publish("hello")
        assert inbox.wait_for("hello")
"""


def test_shards_restore_one_snapshot_and_their_results_are_merged(
    harness_settings: Settings, tmp_path: Path
) -> None:
    project = SmallStack.made(harness_settings, tmp_path, TESTS)
    snapshot, applying = tmp_path / "stack.snapshot", machine(project, "applying")
    ran(applying, "harness", "up")
    ran(applying, "harness", "snapshot", "save", str(snapshot))
    ran(applying, "harness", "down")
    commands = project.commands()

    with ThreadPoolExecutor(len(SHARDS)) as machines:
        told = list(machines.map(lambda number: shard(project, snapshot, number), SHARDS))
    ran(applying, "harness", "merge", *(f"shard-{number}" for number in SHARDS))

    for output in told:
        assert "restored the snapshot of" in output
        assert "1 passed" in output
    assert project.commands() == commands
    merged = tmp_path / "merged"
    cases = {case.attrib["name"] for case in ET.parse(merged / "junit.xml").iter("testcase")}  # noqa: S314
    assert cases == {"test_a_bucket_takes_objects", "test_a_topic_takes_messages"}
    levels = {item.address: item.level for item in coverage.merge([merged / "iac-coverage.json"]).items}
    assert levels["aws_s3_bucket.mine"].is_used
    assert levels["aws_sns_topic.mine"].is_used
    page = (merged / "report.html").read_text("utf-8")
    assert all(case in page for case in cases)


def shard(project: SmallStack, snapshot: Path, number: int) -> str:
    """Run a part of the suite on a machine that knows the snapshot, and return what it has told."""
    own, results = machine(project, f"machine-{number}"), f"shard-{number}"
    ran(own, "harness", "snapshot", "load", str(snapshot))
    return ran(
        own,
        *("pytest", "test_it.py", f"--splits={len(SHARDS)}", f"--group={number}", "-p", "no:cacheprovider"),
        f"--harness-report={results}/report.zip",
        f"--junitxml={results}/junit.xml",
        f"--iac-coverage-report=json:{results}/iac-coverage.json",
    )


def machine(project: SmallStack, name: str) -> Settings:
    """Return the settings of a run on another machine: it shares the installed emulators, and no snapshot."""
    shared, own = project.settings.cache_dir, project.settings.project / name
    own.mkdir()
    for each in shared.iterdir():
        if each.name != "snapshots":
            (own / each.name).symlink_to(each)
    environ = {**project.settings.environ, "HARNESS_CACHE_DIR": str(own)}
    return replace(project.settings, cache_dir=own, environ=environ)


def ran(settings: Settings, *command: str) -> str:
    """Run a command of this environment in the project, to its good end, and return its output."""
    done = subprocess.run(
        [Path(sys.executable).with_name(command[0]), *command[1:]],
        cwd=settings.project,
        env={**os.environ, **settings.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
