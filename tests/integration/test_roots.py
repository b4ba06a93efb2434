"""Other people's roots run unchanged. Each has a feature that once stopped a public stack."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import Endpoint, Settings, TerraformError, deployed_at
from harness.settings import RootSettings

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
    """Return a function that writes the root `infra/` and the files above it that it reads."""

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

    assert "the rest ends with the emulator" in caplog.text
    stack.client("s3").delete_object(Bucket="roots-full-bucket", Key="a")
    stack.client("s3").delete_bucket(Bucket="roots-full-bucket")


def test_terraform_reaches_the_emulator_under_an_accounts_own_host(
    root: Callable[..., Settings], account: Endpoint
) -> None:
    block = 'resource "aws_s3_account_public_access_block" "all" { block_public_acls = true }'

    with deployed_at(root('provider "aws" { region = "us-east-1" }', block), account) as stack:
        (made,) = stack.resources("aws_s3_account_public_access_block")

        assert made.values["block_public_acls"] is True


def test_a_host_that_is_not_the_emulator_is_refused_and_named(
    root: Callable[..., Settings], account: Endpoint
) -> None:
    asks = """
    resource "terraform_data" "asks" {
      provisioner "local-exec" {
        command = "python3 -c 'import urllib.request as r; r.urlopen(\\"http://example.com/a\\")'"
      }
    }
    """

    with pytest.raises(TerraformError) as caught, deployed_at(root(asks), account):
        pytest.fail("it was reached")

    assert "it is not the emulator: terraform: GET example.com:80" in caught.value.text


NETWORK = """
terraform {
  backend "s3" {
    bucket = "roots-states"
    key    = "network"
    region = "us-east-1"
  }
}
provider "aws" {
  region = "us-east-1"
}
resource "aws_sns_topic" "shared" {
  name = "roots-shared-topic"
}
output "topic" {
  value = aws_sns_topic.shared.arn
}
"""
APP = """
provider "aws" {
  region = "us-east-1"
}
data "terraform_remote_state" "network" {
  backend   = "s3"
  workspace = terraform.workspace
  config = {
    bucket = "roots-states"
    key    = "network"
    region = "us-east-1"
  }
}
data "terraform_remote_state" "each" {
  for_each = toset(["network"])
  backend  = "s3"
  config   = { bucket = "roots-states", key = each.key, region = "us-east-1" }
}
output "topic" {
  value = data.terraform_remote_state.each["network"].outputs.topic
}
resource "aws_ssm_parameter" "topic" {
  name  = "/roots/topic"
  type  = "String"
  value = data.terraform_remote_state.network.outputs.topic
}
"""


def test_a_root_reads_the_state_of_one_that_is_applied_before_it(
    root: Callable[..., Settings], account: Endpoint, tmp_path: Path
) -> None:
    network = tmp_path / "network"
    network.mkdir()
    (network / "main.tf").write_text(NETWORK, "utf-8")
    settings = replace(root(APP), roots=(RootSettings(terraform_dir=network, variables={}),))

    with deployed_at(settings, account) as stack:
        topic = stack.parameter().get()
        assert topic.endswith(":roots-shared-topic")
        assert stack.outputs.values == {"topic": topic}
        assert [found["TopicArn"] for found in stack.client("sns").list_topics()["Topics"]] == [topic]
        assert stack.plan() == []

    assert stack.client("sns").list_topics()["Topics"] == []  # it is destroyed after the root that reads it
