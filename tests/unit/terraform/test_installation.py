from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from harness.terraform import installation

if TYPE_CHECKING:
    from pathlib import Path

GIVEN = {"program": "/terraform"}
MAIN = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
module "m" {
  source = "./m"
  size   = 1
}
resource "aws_s3_bucket" "b" {
  bucket = "b"
}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a root in which `init` has run."""
    (tmp_path / "main.tf").write_text(MAIN, "utf-8")
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "main.tf").write_text('resource "aws_sns_topic" "t" {}\n', "utf-8")
    (tmp_path / ".terraform.lock.hcl").write_text("# versions\n", "utf-8")
    modules = tmp_path / ".terraform" / "modules"
    modules.mkdir(parents=True)
    known = [{"Key": "", "Dir": "."}, {"Key": "m", "Dir": "m"}]
    (modules / "modules.json").write_text(json.dumps({"Modules": known}), "utf-8")
    (tmp_path / ".terraform" / "providers" / "r" / "n" / "t" / "1").mkdir(parents=True)
    (tmp_path / "plugin").touch()
    (tmp_path / ".terraform" / "providers" / "r" / "n" / "t" / "1" / "linux").symlink_to(tmp_path / "plugin")
    installation.note(tmp_path, GIVEN)
    return tmp_path


def replaced(file: Path, old: str, new: str) -> None:
    assert old in file.read_text("utf-8")
    file.write_text(file.read_text("utf-8").replace(old, new), "utf-8")


def test_what_init_has_noted_is_whole(root: Path) -> None:
    assert installation.is_whole(root, GIVEN)


def test_where_init_has_not_run_nothing_is_whole(tmp_path: Path) -> None:
    assert not installation.is_whole(tmp_path, GIVEN)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("main.tf", '"b"\n}', '"c"\n}'),
        ("main.tf", "size   = 1", "size   = 2"),
        ("m/main.tf", '"t"', '"another"'),
    ],
)
def test_a_change_that_init_does_not_look_at_leaves_it_whole(
    root: Path, file: str, old: str, new: str
) -> None:
    replaced(root / file, old, new)

    assert installation.is_whole(root, GIVEN)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("main.tf", "hashicorp/aws", "hashicorp/awscc"),
        ("main.tf", '"./m"', '"./n"'),
        ("main.tf", 'resource "aws_', 'resource "random_'),
        ("main.tf", 'bucket = "b"', "provider = other.x"),
        ("m/main.tf", 'resource "aws_sns_topic" "t" {}', 'module "deeper" {\n  source = "./d"\n}'),
        (".terraform.lock.hcl", "versions", "other versions"),
    ],
)
def test_a_change_of_providers_or_modules_needs_init(root: Path, file: str, old: str, new: str) -> None:
    replaced(root / file, old, new)

    assert not installation.is_whole(root, GIVEN)


def test_another_program_needs_init(root: Path) -> None:
    assert not installation.is_whole(root, {"program": "/tofu"})


def test_a_plugin_that_is_gone_needs_init(root: Path) -> None:
    (root / "plugin").unlink()

    assert not installation.is_whole(root, GIVEN)


def test_plugins_that_are_gone_need_init(root: Path) -> None:
    shutil.rmtree(root / ".terraform")

    assert not installation.is_whole(root, GIVEN)


def test_a_resource_of_a_module_is_found_by_its_address(root: Path) -> None:
    in_module = installation.block_of(root, 'module.m["a.b"].aws_sns_topic.t[0]')

    assert in_module
    assert in_module.file == root / "m" / "main.tf"
    assert installation.block_of(root, "aws_s3_bucket.b")
    assert installation.block_of(root, "aws_s3_bucket.c") is None
    assert installation.block_of(root, "module.x.aws_s3_bucket.b") is None
