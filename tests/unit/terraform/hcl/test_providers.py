from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.terraform.hcl.providers import default_region, sources_of

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


@pytest.mark.parametrize(
    ("provider", "region"),
    [
        ('region = "us-east-2"', "us-east-2"),
        ("region = var.place", "ap-south-1"),
        ("region = var.given", "sa-east-1"),
        ("region = local.here", "ap-south-1"),
        ("region = data.aws_region.here.name", None),
        ('profile = "dev"', None),
    ],
)
def test_the_region_of_the_default_provider_is_known_if_the_files_show_it(
    tmp_path: Path, provider: str, region: str | None
) -> None:
    others = """
        provider "aws" {
          alias  = "other"
          region = "eu-west-3"
        }
        variable "place" { default = "ap-south-1" }
        variable "given" {}
        locals { here = var.place }
    """
    (tmp_path / "main.tf").write_text(others + f'provider "aws" {{\n  {provider}\n}}\n', "utf-8")

    assert default_region(tmp_path, {"given": "sa-east-1"}) == region
