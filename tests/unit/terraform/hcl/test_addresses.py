from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.terraform.hcl.addresses import place_inside, places_of

if TYPE_CHECKING:
    from pathlib import Path

ROOT = """
resource "aws_sqs_queue" "mine" {
  for_each = toset(["a.b[0]"])
}

module "inner" {
  source = "./inner"
  count  = 2
}

module "public" {
  source = "terraform-aws-modules/lambda/aws"
}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "inner" / "deep").mkdir(parents=True)
    (tmp_path / "main.tf").write_text(ROOT, "utf-8")
    (tmp_path / "inner" / "inner.tf").write_text('\nmodule "deep" {\n  source = "./deep"\n}\n', "utf-8")
    deep = 'resource "aws_s3_bucket" "b" {\n  count = 1\n}\n'
    (tmp_path / "inner" / "deep" / "deep.tf").write_text(deep, "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("address", "file", "line"),
    [
        ('aws_sqs_queue.mine["a.b[0]"]', "main.tf", 2),
        ('aws_sqs_queue.mine["a \\"]\\" b"]', "main.tf", 2),
        ("module.inner[1].module.deep.aws_s3_bucket.b[0]", "inner/deep/deep.tf", 1),
        ("module.public.aws_lambda_function.this[0]", "main.tf", 11),
        ("module.public.module.nested.aws_iam_role.r", "main.tf", 11),
    ],
)
def test_a_resource_is_found_through_modules_count_and_for_each(
    root: Path, address: str, file: str, line: int
) -> None:
    assert places_of([address], root) == {address: (root / file, line)}


@pytest.mark.parametrize("address", ["aws_sqs_queue.other", "module.gone.aws_sqs_queue.q", "nonsense"])
def test_what_no_file_declares_has_no_place(root: Path, address: str) -> None:
    assert places_of([address], root) == {}


def test_an_output_of_the_root_is_found_and_one_of_a_module_is_not(root: Path) -> None:
    for file in (root / "main.tf", root / "inner" / "inner.tf"):
        file.write_text(file.read_text("utf-8") + '\noutput "url" {\n  value = 1\n}\n', "utf-8")

    assert places_of(["output.url"], root) == {"output.url": (root / "main.tf", 15)}


def test_a_line_is_looked_for_inside_of_its_block_only(root: Path) -> None:
    file = root / "main.tf"

    assert place_inside((file, 2), r"for_each\s*=") == (file, 3)
    assert place_inside((file, 2), r"count\s*=") == (file, 2)  # the next block has it
    assert place_inside((file, 11), r"source\s*=") == (file, 12)
