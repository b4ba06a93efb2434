"""An emulator that fills its disk: the error says so, what was stored can be read, and nothing is left."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import HarnessError, Settings, backends
from harness.aws import clients
from harness.aws.problems import as_harness_errors
from harness.base.emulator_log import complaints_since

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness import Endpoint

pytestmark = [pytest.mark.usefixtures("on_this_machine"), pytest.mark.anywhere, pytest.mark.once]

MEGABYTES = 30
FULL = "No space left on device"


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Mount a small disk for temporary files, which takes root."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root can mount a small disk")
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_an_emulator_that_fills_its_disk_is_told(
    endpoint: Endpoint, harness_settings: Settings, small_disk: Path
) -> None:
    if endpoint.backend == "ministack":
        pytest.skip("MiniStack keeps objects in memory")
    with backends.started(replace(harness_settings, backend=endpoint.backend, port=0)) as emulator:
        s3, bucket = clients.client(emulator, "s3"), {"Bucket": "fills-its-disk"}
        s3.create_bucket(**bucket, CreateBucketConfiguration={"LocationConstraint": emulator.region})
        s3.put_object(**bucket, Key="first", Body=b"hello")

        with pytest.raises(HarnessError, match=FULL), as_harness_errors():
            fill(emulator, bucket["Bucket"])

        assert any(FULL in complaint for complaint in complaints_since(emulator.log, 0))
        assert s3.get_object(**bucket, Key="first")["Body"].read() == b"hello"

    assert list(small_disk.iterdir()) == []


def fill(emulator: Endpoint, bucket: str) -> None:
    """Put more into a bucket than the disk holds."""
    for number in range(2 * MEGABYTES):
        clients.client(emulator, "s3").put_object(
            Bucket=bucket, Key=str(number), Body=os.urandom(1024 * 1024)
        )
