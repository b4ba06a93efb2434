"""A WebSocket API, whose function answers all connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness import ExpectationError, backends, eventually
from harness.terraform.needs import WEBSOCKETS
from tests.contract.small_stack import applied_alone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness import Deployment, Endpoint, Settings

pytestmark = pytest.mark.anywhere

ACCOUNT = "454545454545"
HANDLER = """
import json, os
import boto3

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])

def handler(event, _context):
    asked = event["requestContext"]
    route, me = asked["routeKey"], {"id": asked["connectionId"]}
    print(route, me)
    if route == "$connect":
        if (event.get("queryStringParameters") or {}).get("name") == "Eve":
            return {"statusCode": 403}
        table.put_item(Item=me)
    if route == "$disconnect":
        table.delete_item(Key=me)
    if route == "say":
        api_url = f"https://{asked['domainName']}/{asked['stage']}"
        api = boto3.client("apigatewaymanagementapi", endpoint_url=api_url)
        for one in table.scan()["Items"]:
            api.post_to_connection(ConnectionId=one["id"], Data=json.loads(event["body"])["text"])
    if route == "leave":
        api = boto3.client(
            "apigatewaymanagementapi", endpoint_url=f"https://{asked['domainName']}/{asked['stage']}"
        )
        found = api.get_connection(ConnectionId=me["id"])
        print("since", found["ConnectedAt"].isoformat(), "from", found["Identity"]["SourceIp"])
        api.delete_connection(ConnectionId=me["id"])
    return {"statusCode": 200}
"""
ROOT = """
provider "aws" {
  region = "eu-west-1"
}
resource "aws_iam_role" "f" {
  name = "chat"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}
resource "aws_iam_role_policy" "f" {
  role = aws_iam_role.f.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:*", "dynamodb:*Item", "dynamodb:Scan", "execute-api:ManageConnections"]
      Resource = "*"
    }]
  })
}
resource "aws_dynamodb_table" "connections" {
  name         = "connections"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  attribute {
    name = "id"
    type = "S"
  }
}
resource "aws_lambda_function" "f" {
  function_name = "chat"
  role          = aws_iam_role.f.arn
  runtime       = "python3.13"
  handler       = "app.handler"
  filename      = "${path.module}/app.zip"
  environment {
    variables = { TABLE = aws_dynamodb_table.connections.name }
  }
}
resource "aws_lambda_permission" "api" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.f.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.chat.execution_arn}/*/*"
}
resource "aws_apigatewayv2_api" "chat" {
  name                       = "chat"
  protocol_type              = "WEBSOCKET"
  route_selection_expression = "$request.body.action"
}
resource "aws_apigatewayv2_integration" "f" {
  api_id             = aws_apigatewayv2_api.chat.id
  integration_type   = "AWS_PROXY"
  integration_method = "POST"
  integration_uri    = aws_lambda_function.f.invoke_arn
}
resource "aws_apigatewayv2_route" "f" {
  for_each  = toset(["$connect", "$disconnect", "say", "leave"])
  api_id    = aws_apigatewayv2_api.chat.id
  route_key = each.key
  target    = "integrations/${aws_apigatewayv2_integration.f.id}"
}
resource "aws_apigatewayv2_stage" "prod" {
  api_id      = aws_apigatewayv2_api.chat.id
  name        = "prod"
  auto_deploy = true
}
"""


@pytest.fixture(scope="module")
def stack(
    harness_settings: Settings, endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Apply the root in an account of its own."""
    if endpoint.backend in backends.BUILT_IN and backends.load(endpoint.backend).lacks(
        harness_settings, WEBSOCKETS
    ):
        pytest.skip(f"no WebSocket APIs on {endpoint.backend}")
    root = tmp_path_factory.mktemp("chat")
    with applied_alone(
        harness_settings, endpoint, root, root=ROOT, handler=HANDLER, account=ACCOUNT
    ) as applied:
        yield applied


def test_everybody_hears_what_one_says(stack: Deployment) -> None:
    with stack.websocket() as ada, stack.websocket(query={"name": "Bo"}) as bo:
        ada.send({"action": "say", "text": "hello"})

        assert bo.wait_for("hello") == "hello"


def test_a_connection_that_ends_is_told_to_its_function(stack: Deployment) -> None:
    with stack.websocket("chat"):
        assert stack.table().items()

    assert eventually(lambda: stack.table().items() == [], what="an empty table")


def test_what_the_function_prints_is_in_its_log(stack: Deployment) -> None:
    with stack.websocket():
        assert stack.function().wait_for_log(r"\$connect")


def test_a_connection_that_its_function_refuses_is_an_error_with_its_status(stack: Deployment) -> None:
    with pytest.raises(ExpectationError, match="got '403"), stack.websocket(query={"name": "Eve"}):
        pass


def test_a_function_may_describe_and_close_a_connection(stack: Deployment) -> None:
    with stack.websocket() as ada:
        ada.send({"action": "leave"})
        ada.wait_until_closed()

    assert stack.function().wait_for_log(r"since 2\S+ from 127\.0\.0\.1")
