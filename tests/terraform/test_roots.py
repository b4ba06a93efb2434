"""The Terraform files of this project are formatted, valid, and safe to initialise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness import Settings, TerraformError
from harness.base.isolation import without_aws
from harness.terraform.commands import prepared
from tests.terraform.planning import offline

TERRAFORM = Path(__file__).parents[2] / "terraform"
ROOTS = sorted(file.parent for file in TERRAFORM.glob("env/*/versions.tf"))


@pytest.fixture(params=ROOTS, ids=lambda root: root.name)
def settings(request: pytest.FixtureRequest, harness_settings: Settings) -> Settings:
    return replace(harness_settings, terraform_dir=request.param)


def test_there_are_roots_to_check() -> None:
    assert ROOTS


def test_every_file_is_formatted(harness_settings: Settings) -> None:
    argv = [harness_settings.terraform, "fmt", "-check", "-diff", "-recursive", str(TERRAFORM)]

    checked = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_root_is_valid(settings: Settings) -> None:
    with prepared(settings, without_aws(settings.environ), {}) as terraform:
        terraform.validate()


def test_a_missing_zip_says_which_command_builds_it(settings: Settings, tmp_path: Path) -> None:
    missing = tmp_path / "missing.zip"

    with offline(settings, settings.terraform_dir, missing) as terraform:
        with pytest.raises(TerraformError) as failure:
            terraform.plan()

    assert "harness package" in str(failure.value)


def test_the_lock_file_knows_every_platform(settings: Settings) -> None:
    lock = (settings.terraform_dir / ".terraform.lock.hcl").read_text("utf-8")

    assert lock.count("zh:") == 15


def test_without_terraform_the_run_ends_with_one_line() -> None:
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/terraform/test_docs.py"]
    environ = os.environ | {"HARNESS_TERRAFORM": "there-is-no-such-program"}

    run = subprocess.run(
        argv, cwd=TERRAFORM.parent, env=environ, capture_output=True, text=True, check=False, timeout=60
    )

    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert run.stdout == ""
    assert re.fullmatch(
        r"ERROR: 'there-is-no-such-program' is not on PATH; install Terraform .*\n+", run.stderr
    )


def test_initialising_leaves_the_checkout_untouched(settings: Settings) -> None:
    with prepared(settings, os.environ, {}):
        pass

    assert not (settings.terraform_dir / ".terraform").exists()
