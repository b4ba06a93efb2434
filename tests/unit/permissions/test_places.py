from __future__ import annotations

from typing import TYPE_CHECKING

from harness.permissions import RolePermissions, Statement
from harness.permissions.places import with_places

if TYPE_CHECKING:
    from pathlib import Path

ROOT = """
resource "aws_iam_role" "r" {
}

resource "aws_iam_role_policy" "document" {
  policy = data.aws_iam_policy_document.d[0].json
}

resource "aws_iam_role_policy" "encoded" {
  policy = jsonencode({
    Statement = [
      { Sid = "Inline", Effect = "Allow" },
    ]
  })
}

resource "aws_iam_role_policy" "plain" {
  policy = data.aws_iam_policy_document.plain.json
}

data "aws_iam_policy_document" "d" {
  statement {
    sid = "Read"
  }

  dynamic "statement" {
    for_each = var.more
    content {
      sid = "More"
    }
  }
}

data "aws_iam_policy_document" "plain" {
  statement {
  }
  statement {
  }
}

module "elsewhere" {
  source = "registry/module/aws"
}
"""


def place(folder: Path, policy: str, sid: str, index: int = 0) -> tuple[str, str]:
    """Return the file of a statement, and the text of its line."""
    document = {"Sid": sid} if sid else {}
    statement = Statement(policy=policy, index=index, document=document, grants=())
    (role,) = with_places(
        [RolePermissions(address="aws_iam_role.r", statements=(statement,))], folder, folder
    )
    (found,) = role.statements
    assert (role.file, role.line) == ("main.tf", 2)
    return found.file, ROOT.splitlines()[found.line - 1].strip() if found.line else ""


def test_a_statement_has_the_line_that_it_stands_in(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(ROOT, "utf-8")
    document, encoded = (f"aws_iam_role_policy.{name}" for name in ("document", "encoded"))

    assert place(tmp_path, document, "Read") == ("main.tf", "statement {")
    assert place(tmp_path, document, "More") == ("main.tf", 'dynamic "statement" {')
    assert place(tmp_path, document, "Other") == ("main.tf", 'data "aws_iam_policy_document" "d" {')
    assert place(tmp_path, encoded, "Inline") == ("main.tf", '{ Sid = "Inline", Effect = "Allow" },')
    assert place(tmp_path, encoded, "") == ("main.tf", 'resource "aws_iam_role_policy" "encoded" {')
    assert place(tmp_path, "module.elsewhere.aws_iam_role_policy.p[0]", "") == (
        "main.tf",
        'module "elsewhere" {',
    )
    assert place(tmp_path, "arn:aws:iam::aws:policy/X", "") == ("", "")


def test_of_statements_without_an_id_the_place_in_the_policy_tells(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(ROOT, "utf-8")
    statements = tuple(
        Statement(policy="aws_iam_role_policy.plain", index=index, document={}, grants=()) for index in (0, 1)
    )

    (role,) = with_places(
        [RolePermissions(address="aws_iam_role.r", statements=statements)], tmp_path, tmp_path
    )

    first, second = (each.line for each in role.statements)
    assert second == first + 2
