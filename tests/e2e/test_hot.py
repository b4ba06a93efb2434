"""Sources of functions that run as they are saved."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import deployed_at
from harness.lifetimes.hot import Hot
from harness.session import zip_variables
from harness.settings import PackageSettings

if TYPE_CHECKING:
    from harness import Endpoint, Settings

ROOT = """
variable "lambda_zip" {
  type = string
}
resource "aws_iam_role" "f" {
  name               = "hot"
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
  function_name = "hot"
  filename      = var.lambda_zip
  role          = aws_iam_role.f.arn
  handler       = "app.handler"
  runtime       = "python3.13"
}
"""


@pytest.mark.usefixtures("on_this_machine")
def test_the_next_invocation_runs_what_is_saved(
    harness_settings: Settings, endpoint: Endpoint, tmp_path: Path
) -> None:
    source = tmp_path / "app"
    source.mkdir()
    (tmp_path / "main.tf").write_text(ROOT, "utf-8")
    package = PackageSettings(source=source, output=tmp_path / "app.zip")
    settings = replace(harness_settings, terraform_dir=tmp_path, package=package, variables={})

    def saved(answer: str) -> None:
        (source / "__init__.py").write_text(f"def handler(event, context): return {answer!r}\n", "utf-8")

    saved("zip")
    own = replace(endpoint, access_key="111122223333")
    with deployed_at(settings, own, destroy=not endpoint.is_temporary) as stack:
        client, reload = stack.client("lambda"), Hot(settings=settings)

        def answer() -> str:
            return str(json.loads(client.invoke(FunctionName="hot")["Payload"].read()))

        assert answer() == "zip"
        (zipped,) = zip_variables(settings, running=endpoint.backend).values()
        reload.begin(endpoint, {zipped: hashlib.sha256(Path(zipped).read_bytes()).hexdigest()})
        for text in ("first", "the second"):
            saved(text)
            reload.saved()
            assert answer() == text

        reload.end()
        assert answer() == "zip"
