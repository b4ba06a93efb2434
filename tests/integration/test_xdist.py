"""Workers of pytest-xdist on one emulator: with one stack for all, and with one for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.small_stack import SmallStack

if TYPE_CHECKING:
    from pathlib import Path

    from harness import Settings


pytestmark = pytest.mark.usefixtures("on_an_emulator_of_its_own")

# Run by each worker: it writes an object under its name, and sees that of the other worker.
SHARED = """
from harness import eventually

def keys(deployment):
    found = deployment.client("s3").list_objects_v2(Bucket=deployment.outputs["bucket"])
    return {entry["Key"] for entry in found.get("Contents", [])}

def test_both_work_with_one_bucket(deployment, worker_id):
    deployment.client("s3").put_object(Bucket=deployment.outputs["bucket"], Key=worker_id, Body=b"")
    eventually(lambda: keys(deployment), until={"gw0", "gw1"}.__eq__, what="both objects", timeout=30)
"""
# Run by each worker: it writes an object under its name, waits for the other worker, and sees only its own.
ISOLATED = """
from pathlib import Path

from harness import eventually

def test_each_has_an_account_to_itself(deployment, worker_id):
    s3 = deployment.client("s3")
    bucket = deployment.outputs["bucket"]
    assert deployment.outputs["account"] == {"gw0": "100000000000", "gw1": "100000000001"}[worker_id]
    s3.put_object(Bucket=bucket, Key=worker_id, Body=b"")
    Path(worker_id).touch()
    eventually(lambda: Path("gw0").exists() and Path("gw1").exists(), what="the other worker", timeout=60)

    assert [found["Name"] for found in s3.list_buckets()["Buckets"]] == [bucket]
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [worker_id]
    (topic,) = deployment.client("sns").list_topics()["Topics"]
    assert deployment.outputs["account"] in topic["TopicArn"]
"""


def test_all_workers_share_one_stack(harness_settings: Settings, tmp_path: Path) -> None:
    project = SmallStack.made(harness_settings, tmp_path, SHARED)

    done = project.pytest("-n2", "--dist=each")

    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
    assert [project.commands().count(command) for command in ("init", "apply", "destroy")] == [1, 1, 0]
    assert list(project.scratch.glob("harness-*")) == []


def test_each_worker_has_its_own_stack_in_an_account_of_one_emulator(
    harness_settings: Settings, tmp_path: Path
) -> None:
    project = SmallStack.made(harness_settings, tmp_path, ISOLATED)

    done = project.pytest("-n2", "--dist=each", "--stack-per-worker", "--destroy")

    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
    assert [project.commands().count(command) for command in ("init", "apply", "destroy")] == [2, 2, 2]
    assert list(project.scratch.glob("harness-*")) == []
