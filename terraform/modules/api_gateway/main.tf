resource "aws_api_gateway_rest_api" "this" {
  name        = var.name
  description = "Serves the most recent object"

  endpoint_configuration {
    types = ["REGIONAL"]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_resource" "latest" {
  rest_api_id = aws_api_gateway_rest_api.this.id
  parent_id   = aws_api_gateway_rest_api.this.root_resource_id
  path_part   = var.path_part
}

resource "aws_api_gateway_method" "read" {
  # checkov:skip=CKV2_AWS_53:GET and HEAD take no parameter and no body: there is nothing to validate

  for_each = local.methods

  rest_api_id      = aws_api_gateway_rest_api.this.id
  resource_id      = aws_api_gateway_resource.latest.id
  http_method      = each.value
  authorization    = var.authorization
  api_key_required = var.api_key_required
}

resource "aws_api_gateway_integration" "read" {
  for_each = local.methods

  rest_api_id             = aws_api_gateway_rest_api.this.id
  resource_id             = aws_api_gateway_resource.latest.id
  http_method             = aws_api_gateway_method.read[each.value].http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST" # Lambda is always invoked with POST
  uri                     = var.invoke_arn
  timeout_milliseconds    = 29000
}

resource "aws_api_gateway_gateway_response" "json" {
  for_each = toset(["DEFAULT_4XX", "DEFAULT_5XX"])

  rest_api_id        = aws_api_gateway_rest_api.this.id
  response_type      = each.value
  response_templates = { "application/json" = "{\"message\":$context.error.messageString}" }
}

locals {
  methods = toset(["GET", "HEAD"])
}
