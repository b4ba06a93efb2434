"""The coverage of a stack in the files of a project."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from harness.aws import capabilities
from harness.coverage import Level
from harness.coverage.measured import coverage_of
from harness.values import Outputs
from tests.unit.permissions.stacks import BUCKET, QUEUE, RUN, allow, made, stack

if TYPE_CHECKING:
    from pathlib import Path

    from harness.coverage import CoverageItem

CREATED, UNKNOWN, USED, ASSERTED = Level
ROOT = """
data "aws_iam_policy_document" "p" {
  statement {
    sid     = "Store"
    actions = ["s3:PutObject"]
  }

  statement { # harness: no cover
    sid     = "Later"
    actions = ["sqs:SendMessage"]
  }
}

resource "aws_iam_role_policy" "writer" {
  policy = data.aws_iam_policy_document.p.json
}

resource "aws_lambda_function" "writer" {
  environment {
    variables = {
      BUCKET_NAME = "b"
      NAME        = "n"
    }
  }
}

resource "aws_sqs_queue" "q" { # harness: no cover
}

output "url" {
  value = "u"
}
"""


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - a function
    """Return a function that measures the stack on a backend that enforces permissions."""
    monkeypatch.setattr(capabilities, "missing", lambda *_: [])
    (tmp_path / "terraform").mkdir()
    (tmp_path / "terraform" / "main.tf").write_text(ROOT, "utf-8")
    statements = [
        allow("s3:PutObject", f"{BUCKET}/*", Sid="Store"),
        allow("sqs:SendMessage", QUEUE, Sid="Later"),
    ]
    environment = {"environment": [{"variables": {"BUCKET_NAME": "b", "NAME": "n"}}]}
    applied: Any = SimpleNamespace(
        endpoint=None,
        calls=lambda since: [RUN, made("s3:PutObject", f"{BUCKET}/1")],  # noqa: ARG005 - as a stack's
        terraform=SimpleNamespace(
            resources=lambda: stack(*statements, function=environment), outputs=lambda: Outputs({"url": "u"})
        ),
    )

    def measure(**told: Any) -> dict[str, CoverageItem]:  # noqa: ANN401
        coverage = coverage_of(applied, tmp_path / "terraform", tmp_path, since=0, **told)
        return {each.address: each for each in coverage.items}

    return measure


def test_each_part_has_its_own_line(measured: Any) -> None:  # noqa: ANN401
    function, policy = "aws_lambda_function.writer", "aws_iam_role_policy.writer"

    found = measured(readers={"url": "test:t"})

    file = "terraform/main.tf"
    expected = {
        policy: (USED, 14),
        f"{policy} statement Store": (USED, 3),
        function: (USED, 18),
        f"{function} environment BUCKET_NAME": (UNKNOWN, 21),
        f"{function} environment NAME": (UNKNOWN, 22),
        "output.url": (USED, 30),
    }
    assert {name: (found[name].level, found[name].line) for name in expected} == expected
    assert {found[name].file for name in expected} == {file}


def test_what_a_comment_leaves_out_is_not_there(measured: Any) -> None:  # noqa: ANN401
    assert not {"aws_sqs_queue.q", "aws_iam_role_policy.writer statement Later"} & measured().keys()


@pytest.mark.parametrize(
    ("pattern", "gone"),
    [
        (
            "aws_iam_role_policy.writer",
            {"aws_iam_role_policy.writer", "aws_iam_role_policy.writer statement Store"},
        ),
        ("*statement Store", {"aws_iam_role_policy.writer statement Store"}),
        ("output.*", {"output.url"}),
    ],
)
def test_what_a_pattern_leaves_out_is_not_there(measured: Any, pattern: str, gone: set[str]) -> None:  # noqa: ANN401
    assert measured().keys() - measured(excluded=[pattern]).keys() == gone


def test_a_pattern_may_name_a_file(measured: Any) -> None:  # noqa: ANN401
    assert {each.file for each in measured(excluded=["terraform/*.tf"]).values()} == {""}
