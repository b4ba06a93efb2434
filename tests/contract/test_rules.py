"""AWS would refuse this stack for many reasons, and an emulator accepts it. Each reason is reported."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import Endpoint, Settings, deployed_at
from harness.session import log
from harness.terraform.rules import lines_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.once

ACCOUNT = "444444444444"

ROOT = """
provider "aws" {
  region = "eu-west-1"
}
data "aws_iam_policy_document" "trust" {
  for_each = toset(["lambda", "ec2"])
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["${each.key}.amazonaws.com"]
    }
  }
}
resource "aws_iam_role" "f" {
  name               = "rules-f"
  assume_role_policy = data.aws_iam_policy_document.trust["lambda"].json
}
resource "aws_iam_role" "m" {
  name               = "rules-m"
  assume_role_policy = data.aws_iam_policy_document.trust["ec2"].json
}
resource "aws_lambda_function" "f" {
  function_name    = "rules-f"
  role             = aws_iam_role.f.arn
  handler          = "app.handler"
  runtime          = "python3.13"
  timeout          = 60
  filename         = "${path.module}/app.zip"
  source_code_hash = filebase64sha256("${path.module}/app.zip")
}
resource "aws_sns_topic" "t" {
  name = "rules-t"
}
resource "aws_sns_topic_subscription" "f" {
  topic_arn = aws_sns_topic.t.arn
  protocol  = "lambda"
  endpoint  = aws_lambda_function.f.arn
}
resource "aws_sfn_state_machine" "m" {
  name       = "rules-m"
  role_arn   = aws_iam_role.m.arn
  definition = jsonencode({ StartAt = "A", States = { A = { Type = "Succeed" } } })
}
resource "aws_cloudwatch_event_rule" "r" {
  name          = "rules-r"
  event_pattern = jsonencode({ source = ["rules"] })
}
resource "aws_cloudwatch_event_target" "m" {
  rule = aws_cloudwatch_event_rule.r.name
  arn  = aws_sfn_state_machine.m.arn
}
resource "aws_cloudwatch_event_target" "f" {
  rule = aws_cloudwatch_event_rule.r.name
  arn  = aws_lambda_function.f.arn
}
resource "aws_s3_bucket" "b" {
  bucket        = "rules-b-444444444444"
  force_destroy = true
}
resource "aws_s3_bucket_acl" "b" {
  bucket = aws_s3_bucket.b.id
  acl    = "private"
}
resource "aws_s3_bucket_policy" "b" {
  bucket = aws_s3_bucket.b.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = "*", Action = "s3:*", Resource = aws_s3_bucket.b.arn }]
  })
}
resource "aws_s3_bucket_notification" "b" {
  bucket = aws_s3_bucket.b.id
  topic {
    topic_arn = aws_sns_topic.t.arn
    events    = ["s3:ObjectCreated:*"]
  }
}
"""
REFUSED = {
    "aws_cloudwatch_event_target.f": "aws_lambda_permission of aws_lambda_function.f for events",
    "aws_cloudwatch_event_target.m": "role_arn",
    "aws_s3_bucket_acl.b": "aws_s3_bucket_ownership_controls",
    "aws_s3_bucket_notification.b": "a policy of aws_sns_topic.t lets s3.amazonaws.com send",
    "aws_s3_bucket_policy.b": "block_public_policy = false",
    "aws_sfn_state_machine.m": "trust policy of aws_iam_role.m names states.amazonaws.com",
    "aws_sns_topic_subscription.f": "aws_lambda_permission of aws_lambda_function.f for sns",
}


@pytest.mark.differs("ministack", "it refuses an ACL itself, as AWS does")
def test_what_aws_would_refuse_is_told_of_a_stack_that_the_emulator_took(
    harness_settings: Settings, endpoint: Endpoint, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if endpoint.backend in {"aws", "external"}:
        pytest.skip(f"the account is taken by its number: not on the backend {endpoint.backend}")
    with zipfile.ZipFile(content := io.BytesIO(), "w") as archive:
        archive.writestr("app.py", "def handler(event, context):\n    return event\n")
    (tmp_path / "app.zip").write_bytes(content.getvalue())
    (tmp_path / "main.tf").write_text(ROOT, "utf-8")
    settings = replace(harness_settings, terraform_dir=tmp_path, package=None, variables={})

    with deployed_at(settings, replace(endpoint, access_key=ACCOUNT)) as stack:
        told = stack.refusals()

    for address, reason in REFUSED.items():
        assert any(refusal.address == address and reason in refusal.reason for refusal in told), told
    assert {refusal.address for refusal in told} == REFUSED.keys()
    lines = [(line,) for line in lines_of(told)]
    assert [record.args for record in caplog.records if record.name == log.name] == lines
