from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.terraform.hcl.addresses import modules_of, places_of
from harness.terraform.hcl.exclusions import is_left_out

if TYPE_CHECKING:
    from pathlib import Path

ROOT = """
resource "aws_sqs_queue" "left_out" { # harness: no cover
}

resource "aws_sqs_queue" "covered" {
  name = "harness: no cover" # this line is not the block's
}

module "left_out" { // of another team; harness: no cover
  source = "./inner"
}

module "covered" {
  source = "./inner"
}
"""


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("aws_sqs_queue.left_out", True),
        ("aws_sqs_queue.covered", False),
        ("module.left_out.aws_s3_bucket.b[0]", True),
        ("module.covered.aws_s3_bucket.b[0]", False),
        ("module.covered.aws_s3_bucket.gone", False),
    ],
)
def test_a_comment_leaves_out_a_block_or_all_of_a_module(
    tmp_path: Path, address: str, *, expected: bool
) -> None:
    (tmp_path / "main.tf").write_text(ROOT, "utf-8")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "b.tf").write_text('resource "aws_s3_bucket" "b" {\n}\n', "utf-8")

    places = places_of([address, *modules_of(address)], tmp_path)

    assert is_left_out(address, places) is expected


def test_the_modules_of_an_address_are_those_around_it() -> None:
    assert modules_of('module.a["x.y"].module.b[0].aws_s3_bucket.c[1]') == ["module.a", "module.a.module.b"]
    assert modules_of("aws_s3_bucket.c") == modules_of("output.url") == []
