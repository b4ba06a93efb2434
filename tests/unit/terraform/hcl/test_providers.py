from __future__ import annotations

from typing import TYPE_CHECKING

from harness.terraform.hcl.providers import sources_of

if TYPE_CHECKING:
    from pathlib import Path

ROOT = """
terraform {
  required_providers {
    aws   = { source = "hashicorp/aws", version = ">= 5" }
    cloud = { source = "acme/cloud" }
    old   = "~> 1.0"
  }
}
data "archive_file" "zip" {}
resource "terraform_data" "built_in" {}
resource "cloud_thing" "a" {}
resource "some_thing" "b" {
  provider = cloud.other
}
module "local" {
  source = "./local"
}
module "public" {
  source = "terraform-aws-modules/lambda/aws"
}
"""


def test_providers_are_those_that_are_named_or_used(tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    (tmp_path / "main.tf").write_text(ROOT, "utf-8")
    (tmp_path / "local/main.tf.json").write_text('{"resource": {"random_id": {"a": {}}}}', "utf-8")

    aws, others = {"hashicorp/aws"}, {"acme/cloud", "hashicorp/old", "hashicorp/archive", "hashicorp/random"}
    assert sources_of(tmp_path) == aws | others


def test_a_root_that_is_missing_has_none(tmp_path: Path) -> None:
    assert sources_of(tmp_path / "missing") == set()
