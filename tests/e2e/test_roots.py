"""Roots as others write them run without a change: each has what stopped a public stack once."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import Endpoint, Settings, deployed_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ACCOUNT = "333333333333"

PROVIDER = """
provider "aws" {
  region              = "us-east-1"
  profile             = "default"
  access_key          = "test"
  secret_key          = "test"
  allowed_account_ids = ["123456789012"]
  assume_role {
    role_arn = "arn:aws:iam::123456789012:role/deploy"
  }
  endpoints {
    dynamodb = "http://localhost:4566"
  }
}
provider "aws" {
  alias   = "west"
  region  = "us-west-2"
  profile = "west"
}
"""
TABLES = """
resource "aws_dynamodb_table" "home" {
  name         = "roots"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  attribute {
    name = "id"
    type = "S"
  }
}
resource "aws_dynamodb_table_item" "first" {
  table_name = aws_dynamodb_table.home.name
  hash_key   = "id"
  item       = jsonencode({ id = { S = "terraform's" } })
}
resource "aws_dynamodb_table" "west" {
  provider     = aws.west
  name         = "roots-west"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  attribute {
    name = "id"
    type = "S"
  }
}
"""
FUNCTION = """
resource "aws_iam_role" "f" {
  name               = "roots-${terraform.workspace}"
  assume_role_policy = file("${path.module}/../policies/trust.json")
}
resource "aws_lambda_function" "f" {
  function_name = "roots-${var.suffix}"
  filename      = "../app.zip"
  role          = aws_iam_role.f.arn
  handler       = "app.handler"
  runtime       = "python3.13"
}
variable "suffix" {}
output "role" { value = aws_iam_role.f.name }
output "function" { value = aws_lambda_function.f.function_name }
"""
TRUST = """{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
]}"""
FULL_BUCKET = """
resource "aws_s3_bucket" "full" { bucket = "roots-full-bucket" }
"""


@pytest.fixture(autouse=True)
def _on_an_emulator(endpoint: Endpoint) -> None:
    if endpoint.is_aws:
        pytest.skip("the accounts and profiles of these roots are nobody's")


@pytest.fixture
def account(endpoint: Endpoint) -> Endpoint:
    return replace(endpoint, access_key=ACCOUNT)


@pytest.fixture
def root(tmp_path: Path, harness_settings: Settings) -> Callable[..., Settings]:
    """Return a function that writes a root, `infra/`, beside what it reads from above."""

    def write(*texts: str) -> Settings:
        for folder in ("infra", "policies"):
            (tmp_path / folder).mkdir()
        (tmp_path / "infra" / "main.tf").write_text("\n".join(texts), "utf-8")
        (tmp_path / "infra" / "dev.tfvars").write_text('suffix = "dev"\n', "utf-8")
        (tmp_path / "policies" / "trust.json").write_text(TRUST, "utf-8")
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("app.py", "def handler(event, context):\n    return event\n")
        (tmp_path / "app.zip").write_bytes(code.getvalue())
        return replace(
            harness_settings,
            terraform_dir=tmp_path / "infra",
            package=None,
            variables={},
            region="eu-north-1",
        )

    return write


def test_regions_accounts_keys_and_endpoints_are_the_roots_own(
    root: Callable[..., Settings], account: Endpoint
) -> None:
    with deployed_at(root(PROVIDER, TABLES), account) as stack:
        assert stack.endpoint.region == "us-east-1"
        tables = {"roots": stack.client("dynamodb"), "roots-west": stack.client("dynamodb", "us-west-2")}
        for name, client in tables.items():
            client.put_item(TableName=name, Item={"id": {"S": "a test's"}})

        stack.reset()

        assert [client.scan(TableName=name)["Count"] for name, client in tables.items()] == [1, 0]


def test_files_above_the_root_workspaces_and_files_of_values(
    root: Callable[..., Settings], account: Endpoint, tmp_path: Path
) -> None:
    settings = replace(
        root('provider "aws" { region = "us-east-1" }', FUNCTION),
        workspace="dev",
        var_files=(tmp_path / "infra" / "dev.tfvars",),
    )

    with deployed_at(settings, account) as stack:
        assert (stack.outputs["role"], stack.outputs["function"]) == ("roots-dev", "roots-dev")
        answer = stack.client("lambda").invoke(FunctionName="roots-dev", Payload=b'{"a": 1}')
        assert answer["Payload"].read() == b'{"a": 1}'

    left = [role["RoleName"] for role in stack.client("iam").list_roles()["Roles"]]
    assert "roots-dev" not in left


def test_a_bucket_that_holds_something_goes_with_the_emulator(
    root: Callable[..., Settings], account: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    at = replace(account, is_temporary=True)
    with deployed_at(root('provider "aws" { region = "us-east-1" }', FULL_BUCKET), at) as stack:
        stack.client("s3").put_object(Bucket="roots-full-bucket", Key="a", Body=b"")

    assert "what is left goes with the emulator" in caplog.text
    stack.client("s3").delete_object(Bucket="roots-full-bucket", Key="a")
    stack.client("s3").delete_bucket(Bucket="roots-full-bucket")
