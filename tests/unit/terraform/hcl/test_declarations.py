from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from harness import SettingsError
from harness.terraform.hcl import declarations

if TYPE_CHECKING:
    from pathlib import Path

CONFIGURATION = """
# provider "commented" {
/* provider "commented too" { */
module "one" { source = "./m" }
provider "aws" {
  profile = "dev" // "}
  region  = "us-east-1"
  endpoints { s3 = "http://localhost:4566" }
  default_tags {
    tags = { a = "}", b = "${jsonencode({ x = "{" })}" }
  }
}
locals {
  text = <<-EOT
    } provider "in a text" {
  EOT
  odd = "$${x} %{ if true }{%{ endif } \\" {"
}
variable "names" {
  type = map(object({
    a = string
  }))
  default = {}
}
"""


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, "utf-8")
    return folder


def test_blocks_are_found_whatever_is_in_comments_and_strings(tmp_path: Path) -> None:
    found = declarations.blocks(write(tmp_path, "main.tf", CONFIGURATION))

    assert [(block.type, *block.labels) for block in found] == [
        ("module", "one"),
        ("provider", "aws"),
        ("locals",),
        ("variable", "names"),
    ]


def test_a_block_has_its_attributes_as_they_are_written_and_its_blocks(tmp_path: Path) -> None:
    module, provider, _, variable = declarations.blocks(write(tmp_path, "main.tf", CONFIGURATION))

    assert module.literal("source") == "./m"
    assert dict(provider.attributes) == {"profile": '"dev"', "region": '"us-east-1"'}
    assert [block.type for block in provider.blocks] == ["endpoints", "default_tags"]
    assert variable.attributes["type"].startswith("map(object({")
    assert variable.literal("type") is None


def test_json_gives_the_same_blocks(tmp_path: Path) -> None:
    text = """{
      "provider": {"aws": [{"profile": "dev"}, {"alias": "west", "assume_role": {"role_arn": "x"}}]},
      "variable": {"name": {"default": "x"}},
      "terraform": {"backend": {"s3": {}}}
    }"""

    found = declarations.blocks(write(tmp_path, "main.tf.json", text))

    assert [(block.type, *block.labels) for block in found] == [
        ("provider", "aws"),
        ("provider", "aws"),
        ("variable", "name"),
        ("terraform",),
    ]
    assert found[1].literal("alias") == "west"
    assert [block.type for block in found[1].blocks] == ["assume_role"]


def test_a_file_that_is_no_configuration_has_no_blocks(tmp_path: Path) -> None:
    write(tmp_path, "main.tf.json", "{")
    write(tmp_path, "other.tf", 'variable "x" {\n  type = string')

    assert list(declarations.variables(tmp_path)) == ["x"]


def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert declarations.blocks(tmp_path / "nowhere") == []


def test_a_folder_that_can_not_be_read_has_no_root_to_tell_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    write(tmp_path / "data", "main.tf", 'provider "aws" {}')
    assert declarations.roots_below(tmp_path) == [tmp_path / "data"]

    monkeypatch.setattr(os, "access", lambda folder, _: folder != tmp_path / "data")  # root may read all
    assert declarations.roots_below(tmp_path) == []


def test_the_roots_below_a_project_are_those_that_configure_aws(tmp_path: Path) -> None:
    for name in ("env/dev", ".terraform/modules/m", "node_modules/n", "far/too/deep/down"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "main.tf").write_text('provider "aws" {}', "utf-8")
    (tmp_path / "module").mkdir()
    (tmp_path / "module" / "main.tf").write_text('resource "aws_s3_bucket" "b" {}', "utf-8")

    assert declarations.roots_below(tmp_path) == [tmp_path / "env/dev"]
    with pytest.raises(SettingsError, match=r"a directory with \*\.tf files, such as env/dev, got"):
        declarations.check(tmp_path / "terraform", tmp_path)
