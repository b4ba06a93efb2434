"""The README's local development: `tflocal` by hand in `terraform/env/dev`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from harness import Endpoint, Settings, deployed_at
from harness.aws.inventory import inventory
from harness.functions import packages
from harness.terraform.commands import FEWER_COLLECTIONS, mirror_environ

if TYPE_CHECKING:
    from collections.abc import Callable


PROJECT = Path(__file__).parents[2]
ACCOUNT = "222222222222"
BUCKET = """
resource "aws_s3_bucket" "this" {
  bucket = "by-tflocal"
}

output "name" {
  value = aws_s3_bucket.this.bucket
}
"""


@pytest.fixture
def tflocal(tmp_path: Path, harness_settings: Settings, endpoint: Endpoint) -> Callable[..., str]:
    """Return a function that runs `tflocal` in a copy of the project, in its own account."""
    assert harness_settings.package is not None
    built = packages.build(harness_settings, harness_settings.package)
    shutil.copytree(PROJECT / "terraform", tmp_path / "terraform")
    (tmp_path / "build").mkdir()
    shutil.copy(built, tmp_path / "build")
    root = tmp_path / "terraform" / "env" / "dev"
    mirror = mirror_environ(harness_settings.provider_mirror, tmp_path)
    environ = {**FEWER_COLLECTIONS, **os.environ, **mirror} | {
        "S3_HOSTNAME": "localhost",
        "EDGE_PORT": str(urlsplit(endpoint.url).port),
        "CUSTOMIZE_ACCESS_KEY": "1",
        "AWS_ACCESS_KEY_ID": ACCOUNT,
    }

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [Path(sys.executable).with_name("tflocal"), *arguments],
            cwd=root,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_tflocal_initialises_applies_plans_and_destroys_by_hand(
    tflocal: Callable[..., str], endpoint: Endpoint
) -> None:
    account = replace(endpoint, access_key=ACCOUNT)
    before = inventory(account)

    tflocal("init", "-input=false", "-no-color")
    assert "Apply complete!" in tflocal("apply", "-auto-approve", "-input=false", "-no-color")
    assert "lambda:create_encrypted_timestamp_dev" in inventory(account)
    assert "No changes." in tflocal("plan", "-input=false", "-no-color")
    assert "Destroy complete!" in tflocal("destroy", "-auto-approve", "-input=false", "-no-color")

    assert inventory(account) == before


def test_tflocal_serves_as_the_harnesss_own_terraform(
    tmp_path: Path, harness_settings: Settings, endpoint: Endpoint
) -> None:
    (tmp_path / "main.tf").write_text(BUCKET, "utf-8")
    program = str(Path(sys.executable).with_name("tflocal"))
    settings = replace(harness_settings, terraform=program, terraform_dir=tmp_path, variables={})

    with deployed_at(replace(settings, package=None), replace(endpoint, access_key=ACCOUNT)) as deployment:
        listed = deployment.client("s3").list_buckets()["Buckets"]
        assert [bucket["Name"] for bucket in listed] == [deployment.outputs["name"]]
        assert deployment.plan() == []
