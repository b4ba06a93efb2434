from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.terraform.hcl import declarations, overrides

if TYPE_CHECKING:
    from pathlib import Path

PROVIDERS = """
provider "aws" {
  profile             = "default"
  region              = "us-east-1"
  access_key          = "test"
  allowed_account_ids = ["123456789012"]
  assume_role { role_arn = "arn:aws:iam::123456789012:role/deploy" }
  endpoints { s3 = "http://localhost:4566" }
}
provider "aws" {
  alias   = "west"
  region  = "us-west-2"
  profile = "default"
}
provider "aws" {
  alias  = "plain"
  region = "us-west-1"
}
provider "random" {}
"""


def written(folder: Path, *, is_root: bool = True, emulated: bool = True) -> str:
    overrides.write(folder, is_root=is_root, emulated=emulated)
    file = folder / overrides.FILE
    return file.read_text("utf-8") if file.exists() else ""


def test_accounts_keys_and_endpoints_are_taken_back_and_the_region_is_not(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(PROVIDERS, "utf-8")

    written(tmp_path)
    default, west = (
        b for b in declarations.blocks(tmp_path) if b.file.name == overrides.FILE and b.type == "provider"
    )

    assert dict(default.attributes) == {
        "access_key": "null",
        "allowed_account_ids": "null",
        "profile": "null",
    }
    assert [block.labels for block in default.blocks] == [("assume_role",), ("endpoints",)]
    assert dict(west.attributes) == {"alias": '"west"', "profile": "null"}


def test_real_aws_keeps_the_providers_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(PROVIDERS, "utf-8")

    assert "provider" not in written(tmp_path, emulated=False)
    assert 'backend "local"' in written(tmp_path, emulated=False)


def test_a_module_has_no_backend_and_often_nothing_to_override(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('provider "aws" { region = "us-east-1" }', "utf-8")

    assert written(tmp_path, is_root=False) == ""


@pytest.mark.parametrize("name", ["override.tf", "zz_override.tf", "override.tf.json", "zz_override.tofu"])
def test_it_is_merged_after_the_overrides_of_the_root(name: str) -> None:
    assert max(name, overrides.FILE) == overrides.FILE


def test_dynamic_blocks_are_taken_back_too(tmp_path: Path) -> None:
    text = 'provider "aws" {\n  dynamic "assume_role" {\n    for_each = ["a"]\n    content {}\n  }\n}'
    (tmp_path / "main.tf").write_text(text, "utf-8")

    assert 'dynamic "assume_role" {\n    for_each = []' in written(tmp_path)
