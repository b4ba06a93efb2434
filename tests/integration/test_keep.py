"""Kept stacks: the next run attaches to one, and applies only the changes."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import psutil
import pytest

from harness import eventually
from harness.aws import clients
from harness.lifetimes.kept import KeptStack
from tests.contract.small_stack import SmallStack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness import Deployment, Settings


pytestmark = pytest.mark.usefixtures("on_an_emulator_of_its_own")

TESTS = """
def test_the_bucket_is_there(deployment):
    found = deployment.client("s3").list_buckets()["Buckets"]
    assert [bucket["Name"] for bucket in found] == [deployment.outputs["bucket"]]
"""
FUNCTION = """
resource "aws_iam_role" "f" {
  name               = "old-code"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}
resource "aws_lambda_function" "f" {
  function_name = "old-code"
  filename      = "${path.module}/../app.zip"
  role          = aws_iam_role.f.arn
  handler       = "app.handler"
  runtime       = "python3.13"
  publish       = true
}
"""
ALIAS = """
resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.f.function_name
  function_version = aws_lambda_function.f.version
}
"""
MORE = """
resource "aws_sns_topic" "more" {
  name = "more"
}
"""


@pytest.fixture
def project(harness_settings: Settings, tmp_path: Path) -> Iterator[SmallStack]:
    made = SmallStack.made(harness_settings, tmp_path, TESTS)
    yield made
    KeptStack.of(made.settings).stop()


def test_the_next_run_attaches_and_a_change_is_applied_on_top(project: SmallStack) -> None:
    kept = KeptStack.of(project.settings)
    first = project.pytest("--keep")
    assert first.returncode == 0, first.stdout
    endpoint, commands = kept.running().endpoint, project.commands()
    clients.client(endpoint, "s3").put_object(Bucket="small-000000000000", Key="stays", Body=b"")

    second = project.pytest("--keep")

    assert second.returncode == 0, second.stdout
    assert project.commands() == commands  # Terraform has not run
    assert kept.running().endpoint == endpoint

    (project.settings.terraform_dir / "more.tf").write_text(MORE, "utf-8")
    third = project.pytest("--keep")

    assert third.returncode == 0, third.stdout
    assert [command for command in project.commands() if command in {"apply", "destroy"}] == [
        "apply",
        "apply",
    ]
    assert len(clients.client(endpoint, "sns").list_topics()["Topics"]) == 2
    clients.client(endpoint, "s3").head_object(Bucket="small-000000000000", Key="stays")

    keeper = kept.keeper()
    assert keeper is not None
    family = psutil.Process(keeper.pid).children(recursive=True)
    assert kept.stop()
    assert kept.keeper() is None
    assert not kept.folder.exists()
    eventually(
        lambda: [child for child in family if child.is_running()],
        until=lambda left: not left,
        what="the end of every process",
    )


def test_code_is_swapped_and_the_next_apply_is_right_whatever_the_zip_is_then(project: SmallStack) -> None:
    root, kept = project.settings.terraform_dir, KeptStack.of(project.settings)
    (root / "function.tf").write_text(FUNCTION, "utf-8")
    (root / "alias.tf").write_text(ALIAS, "utf-8")

    def answers(answer: str, by: str = "live") -> Deployment:
        """Bring up a handler with this answer, and check that it runs."""
        with zipfile.ZipFile(project.settings.project / "app.zip", "w") as archive:
            archive.writestr("app.py", f"def handler(event, context):\n    return {answer!r}\n")
        with kept.exclusive():
            stack = kept.deployment(kept.endpoint())
        ran = stack.client("lambda").invoke(FunctionName="old-code", Qualifier=by)
        assert ran["Payload"].read() == json.dumps(answer).encode()
        assert kept.is_current()
        return stack

    answers("first")
    assert project.commands() == ["init", "apply"]

    answers("second")
    assert project.commands() == ["init", "apply"]  # Terraform has not run

    (root / "more.tf").write_text(MORE, "utf-8")
    stack = answers("first")  # the code that Terraform's state has all the time
    assert project.commands()[2:] == ["apply"]
    assert stack.plan() == []

    (root / "alias.tf").unlink()
    answers("third", by="$LATEST")  # changed with Terraform's files, and no hash shows it
    assert project.commands()[3:] == ["plan", "apply", "apply"]
