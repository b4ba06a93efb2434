"""APIs as public stacks declare them, and the hops of a request to each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.stack import hops
from tests.contract.small_stack import applied_alone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness import Deployment, Endpoint, Settings
    from harness.stack.hops import Hop
    from harness.values import ApiResponse

HANDLER = """
import json, os
import boto3

def guard(event, _context):
    print("asked for " + event.get("routeArn", event.get("methodArn")))
    if token := event.get("authorizationToken"):
        statement = {"Action": "execute-api:Invoke", "Effect": token, "Resource": event["methodArn"]}
        return {"principalId": "me", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    return {"isAuthorized": event["headers"].get("authorization") == "let-me-in"}

def handler(event, _context):
    if "poison" in (event.get("body") or ""):
        raise ValueError("poison on purpose")
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody="asked")
    method = event.get("httpMethod") or event["requestContext"]["http"]["method"]
    said = {"method": method, "parameters": event.get("pathParameters"), "body": event.get("body")}
    return {"statusCode": 201, "body": json.dumps(said)}
"""
FUNCTION = """
provider "aws" {
  region = "us-west-2"
}
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}
resource "aws_iam_role" "f" {
  name               = "apis"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}
resource "aws_iam_role_policy" "f" {
  role = aws_iam_role.f.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["sqs:SendMessage", "logs:*"], Resource = "*" }]
  })
}
resource "aws_sqs_queue" "q" {
  name = "apis"
}
resource "aws_lambda_function" "f" {
  for_each      = toset(["handler", "guard"])
  function_name = "apis-${each.key}"
  role          = aws_iam_role.f.arn
  runtime       = "python3.13"
  handler       = "app.${each.key}"
  filename      = "${path.module}/app.zip"
  timeout       = 15
  environment {
    variables = { QUEUE = aws_sqs_queue.q.url }
  }
  depends_on = [aws_iam_role_policy.f]
}
"""
REST = """
resource "aws_lambda_function_url" "f" {
  function_name      = aws_lambda_function.f["handler"].function_name
  authorization_type = "NONE"
}
resource "aws_api_gateway_rest_api" "a" {
  name = "apis"
  body = templatefile("${path.module}/openapi.yaml", { uri = aws_lambda_function.f["handler"].invoke_arn })
}
resource "aws_api_gateway_deployment" "a" {
  rest_api_id = aws_api_gateway_rest_api.a.id
  triggers    = { body = sha1(aws_api_gateway_rest_api.a.body) }
  lifecycle {
    create_before_destroy = true
  }
}
resource "aws_api_gateway_stage" "a" {
  rest_api_id   = aws_api_gateway_rest_api.a.id
  deployment_id = aws_api_gateway_deployment.a.id
  stage_name    = "prod"
}
resource "aws_lambda_permission" "a" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.f["handler"].function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.a.execution_arn}/*/*"
}
"""
OPENAPI = """
openapi: 3.0.1
info: { title: apis, version: "1" }
paths:
  /orders:
    post:
      responses: { "201": { description: made } }
      x-amazon-apigateway-integration: &invoke
        { type: aws_proxy, httpMethod: POST, uri: "${uri}", passthroughBehavior: when_no_match }
    options:
      responses:
        "200":
          description: CORS
          headers: { Access-Control-Allow-Origin: { schema: { type: string } } }
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: { application/json: '{"statusCode": 200}' }
        responses:
          default:
            statusCode: "200"
            responseParameters: { method.response.header.Access-Control-Allow-Origin: "'*'" }
  /orders/{id}:
    x-amazon-apigateway-any-method:
      responses: { "201": { description: made } }
      x-amazon-apigateway-integration: *invoke
"""
HTTP = """
resource "aws_apigatewayv2_api" "a" {
  name          = "apis"
  protocol_type = "HTTP"
}
resource "aws_apigatewayv2_integration" "a" {
  api_id                 = aws_apigatewayv2_api.a.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.f["handler"].invoke_arn
  payload_format_version = "2.0"
}
resource "aws_apigatewayv2_route" "open" {
  api_id    = aws_apigatewayv2_api.a.id
  route_key = "GET /open/{id}"
  target    = "integrations/${aws_apigatewayv2_integration.a.id}"
}
resource "aws_apigatewayv2_stage" "a" {
  api_id      = aws_apigatewayv2_api.a.id
  name        = "$default"
  auto_deploy = true
}
resource "aws_lambda_permission" "a" {
  for_each      = aws_lambda_function.f
  action        = "lambda:InvokeFunction"
  function_name = each.value.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.a.execution_arn}/*/*"
}
"""
HTTP_GUARDED = """
resource "aws_apigatewayv2_authorizer" "a" {
  api_id                            = aws_apigatewayv2_api.a.id
  name                              = "guard"
  authorizer_type                   = "REQUEST"
  authorizer_uri                    = aws_lambda_function.f["guard"].invoke_arn
  identity_sources                  = ["$request.header.Authorization"]
  authorizer_payload_format_version = "2.0"
  enable_simple_responses           = true
  authorizer_result_ttl_in_seconds  = 0
}
resource "aws_apigatewayv2_route" "a" {
  api_id             = aws_apigatewayv2_api.a.id
  route_key          = "ANY /orders/{id}"
  target             = "integrations/${aws_apigatewayv2_integration.a.id}"
  authorization_type = "CUSTOM"
  authorizer_id      = aws_apigatewayv2_authorizer.a.id
}
"""
GUARDED = """
resource "aws_api_gateway_rest_api" "guarded" {
  name = "guarded"
}
resource "aws_api_gateway_usage_plan" "plain" {
  name = "plain"
}
resource "aws_api_gateway_usage_plan" "throttled" {
  name = "throttled"
  throttle_settings {
    rate_limit = 10
  }
}
resource "aws_api_gateway_method" "cors" {
  rest_api_id   = aws_api_gateway_rest_api.guarded.id
  resource_id   = aws_api_gateway_rest_api.guarded.root_resource_id
  http_method   = "OPTIONS"
  authorization = "NONE"
}
resource "aws_api_gateway_integration" "cors" {
  rest_api_id       = aws_api_gateway_rest_api.guarded.id
  resource_id       = aws_api_gateway_method.cors.resource_id
  http_method       = aws_api_gateway_method.cors.http_method
  type              = "MOCK"
  request_templates = { "application/json" = jsonencode({ statusCode = 200 }) }
}
resource "aws_api_gateway_authorizer" "guard" {
  rest_api_id                      = aws_api_gateway_rest_api.guarded.id
  name                             = "guard"
  type                             = "TOKEN"
  authorizer_uri                   = aws_lambda_function.f["guard"].invoke_arn
  authorizer_result_ttl_in_seconds = 300
}
resource "aws_api_gateway_method" "guarded" {
  rest_api_id   = aws_api_gateway_rest_api.guarded.id
  resource_id   = aws_api_gateway_rest_api.guarded.root_resource_id
  http_method   = "GET"
  authorization = "CUSTOM"
  authorizer_id = aws_api_gateway_authorizer.guard.id
}
resource "aws_api_gateway_integration" "guarded" {
  rest_api_id             = aws_api_gateway_rest_api.guarded.id
  resource_id             = aws_api_gateway_method.guarded.resource_id
  http_method             = aws_api_gateway_method.guarded.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_function.f["handler"].invoke_arn
}
resource "aws_api_gateway_deployment" "guarded" {
  rest_api_id = aws_api_gateway_integration.guarded.rest_api_id
}
resource "aws_api_gateway_stage" "guarded" {
  rest_api_id   = aws_api_gateway_rest_api.guarded.id
  deployment_id = aws_api_gateway_deployment.guarded.id
  stage_name    = "prod"
}
resource "aws_lambda_permission" "guarded" {
  for_each      = aws_lambda_function.f
  action        = "lambda:InvokeFunction"
  function_name = each.value.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.guarded.execution_arn}/*"
}
"""
DESCRIBED = """
locals {
  uri = aws_lambda_function.f["handler"].invoke_arn
}
resource "aws_apigatewayv2_api" "described" {
  name          = "described"
  version       = "1"
  protocol_type = "HTTP"
  body          = templatefile("${path.module}/http.yaml", { uri = local.uri })
}
resource "aws_apigatewayv2_stage" "described" {
  api_id      = aws_apigatewayv2_api.described.id
  name        = "$default"
  auto_deploy = true
}
resource "aws_lambda_permission" "described" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.f["handler"].function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.described.execution_arn}/*/*"
}
"""
HTTP_OPENAPI = """
openapi: 3.0.1
info: { title: described, version: "1" }
paths:
  /orders/{id}:
    get:
      x-amazon-apigateway-integration: &invoke
        { type: aws_proxy, httpMethod: POST, uri: "${uri}", payloadFormatVersion: "2.0" }
"""


@pytest.fixture(scope="module")
def apis(
    harness_settings: Settings, endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Apply a REST API, and an HTTP API as well if the backend has them."""
    folder = tmp_path_factory.mktemp("apis")
    (folder / "openapi.yaml").write_text(OPENAPI, "utf-8")
    (folder / "http.yaml").write_text(HTTP_OPENAPI, "utf-8")
    http = HTTP.replace('_permission" "a"', '_permission" "http"')
    root = FUNCTION + REST + (http if has_http_apis(endpoint) else "")
    root += HTTP_GUARDED + GUARDED + DESCRIBED if has_more(endpoint) else ""
    with applied_alone(
        harness_settings, endpoint, folder, root=root, handler=HANDLER, account="131313131313"
    ) as stack:
        yield stack


def has_http_apis(endpoint: Endpoint) -> bool:
    return endpoint.backend in {"ministack", "localemu"}


def has_more(endpoint: Endpoint) -> bool:
    """Whether it asks a function who may call an HTTP API, keeps the answer, and imports routes."""
    return endpoint.backend == "ministack"


@pytest.fixture
def more(apis: Deployment) -> Deployment:
    if not has_more(apis.endpoint):
        pytest.skip(f"{apis.endpoint.backend} asks no authorizer of an HTTP API, and imports none")
    return apis


@pytest.fixture
def http(apis: Deployment) -> Deployment:
    if not has_http_apis(apis.endpoint):
        pytest.skip(f"no HTTP APIs on {apis.endpoint.backend}")
    return apis


def far(apis: Deployment, answer: ApiResponse) -> dict[str, Hop]:
    return {hop.name: hop for hop in apis.trace(answer)}


def test_a_rest_api_is_what_its_openapi_says(apis: Deployment) -> None:
    api = apis.api("aws_api_gateway_stage.a")

    assert api.post("orders", json={"a": 1}).json()["body"] == '{"a":1}'
    assert api.get("orders/7").json() == {"method": "GET", "parameters": {"id": "7"}, "body": None}
    assert api.put("orders/7").json()["method"] == "PUT"
    cors = api.request("OPTIONS", "orders")
    assert (cors.status, cors.headers["access-control-allow-origin"]) == (200, "*")
    assert api.get("nothing").status in {403, 404}  # AWS says 403
    changes = {change.address for change in apis.plan()}
    assert changes <= {"aws_apigatewayv2_authorizer.a"}  # MiniStack does not tell its time to live


def test_a_request_to_a_rest_api_is_followed_to_what_its_function_called(apis: Deployment) -> None:
    answer = apis.api("aws_api_gateway_stage.a").post("orders", json={"a": 1})

    found = far(apis, answer)

    assert {hop.state for hop in found.values()} == {"reached"}, hops.format_hops(found.values())
    assert found["matched a route"].seen == "POST /orders"
    assert "sqs SendMessage arn:aws:sqs:us-west-2:131313131313:apis" in found["called AWS"].seen


def test_a_failed_request_stops_at_its_function(apis: Deployment) -> None:
    found = far(apis, apis.api("aws_api_gateway_stage.a").post("orders", body="poison"))

    assert found["function returned"].state == "failed"
    assert "ValueError" in found["function returned"].seen
    assert found["answered"].seen == "502, by stage prod"


def test_a_request_to_a_function_url_is_followed(apis: Deployment) -> None:
    found = far(apis, apis.api("aws_lambda_function_url.f").get("a/b"))

    assert {hop.state for hop in found.values()} == {"reached"}, hops.format_hops(found.values())
    assert found["found a function"].seen == "function:apis-handler"


def test_a_request_to_an_http_api_is_followed(http: Deployment) -> None:
    answer = http.api("aws_apigatewayv2_stage.a").get("open/7")
    found = far(http, answer)

    assert answer.json()["parameters"] == {"id": "7"}
    assert found["matched a route"].seen == "GET /open/{id}"
    assert {hop.state for hop in found.values()} == {"reached"}, hops.format_hops(found.values())


def test_a_request_to_an_http_api_passes_its_authorizer(more: Deployment) -> None:
    api = more.api("aws_apigatewayv2_stage.a")

    answer = api.get("orders/7", headers={"Authorization": "let-me-in"})
    found = far(more, answer)

    assert json.loads(answer.body)["parameters"] == {"id": "7"}
    assert found["matched a route"].seen == "ANY /orders/{id}"
    assert found["authorizer returned"].state == "reached"
    assert {hop.state for hop in found.values()} == {"reached"}, hops.format_hops(found.values())


def test_a_request_that_its_authorizer_refuses_stops_there(more: Deployment) -> None:
    answer = more.api("aws_apigatewayv2_stage.a").get("orders/7", headers={"Authorization": "please"})
    found = far(more, answer)

    assert answer.status == 403
    assert found["authorizer invoked"].state == "reached"
    assert found["authorized"].seen == "CUSTOM: refused with 403"
    assert found["function invoked"].state == "unreached"


def test_a_policy_of_an_authorizer_decides_and_is_kept_for_its_time(more: Deployment) -> None:
    api = more.api("aws_api_gateway_stage.guarded")
    asked = [api.get(headers={"Authorization": word}).status for word in ("Deny", "Allow", "Allow")]

    assert asked == [403, 201, 201]
    assert api.get().status == 401
    lines = [line for line in more.function('f["guard"]').logs() if line.endswith("/prod/GET/")]
    assert len(lines) == 2


def test_an_http_api_is_what_its_openapi_says(more: Deployment) -> None:
    api = more.api("aws_apigatewayv2_stage.described")

    assert api.get("orders/7").json() == {"method": "GET", "parameters": {"id": "7"}, "body": None}
    assert api.post("orders/7").status == 404


def test_a_change_of_openapi_is_applied(more: Deployment) -> None:
    for name in ("openapi.yaml", "http.yaml"):
        file = more.terraform.root / name
        file.write_text(file.read_text("utf-8").replace("/orders/{id}:", "/baskets/{name}:"), "utf-8")

    more.terraform.apply()

    changed = more.refreshed()
    for stage in ("aws_api_gateway_stage.a", "aws_apigatewayv2_stage.described"):
        api = changed.api(stage)
        assert api.get("baskets/mine").json()["parameters"] == {"name": "mine"}
        assert api.get("orders/7").status in {403, 404}
