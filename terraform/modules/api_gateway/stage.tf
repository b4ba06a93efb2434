resource "aws_api_gateway_deployment" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id

  # A deployment is a snapshot: whatever changes in main.tf must change this hash, or it is never served. Hashed are the
  # settings, not the resources: those also hold what the API fills in later.
  triggers = {
    redeployment = sha256(jsonencode([
      aws_api_gateway_resource.latest.path_part,
      [for method in aws_api_gateway_method.read : [method.http_method, method.authorization, method.api_key_required]],
      [for method in aws_api_gateway_integration.read : [method.type, method.uri, method.timeout_milliseconds]],
      [for answer in aws_api_gateway_gateway_response.json : [answer.response_type, answer.response_templates]],
    ]))
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "this" {
  rest_api_id          = aws_api_gateway_rest_api.this.id
  deployment_id        = aws_api_gateway_deployment.this.id
  stage_name           = var.stage_name
  xray_tracing_enabled = var.tracing_enabled

  dynamic "access_log_settings" {
    for_each = aws_cloudwatch_log_group.access[*].arn
    content {
      destination_arn = access_log_settings.value
      format          = jsonencode(local.access_log_fields)
    }
  }

  depends_on = [aws_api_gateway_account.logging]
}

resource "aws_api_gateway_method_settings" "all" {
  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  method_path = "*/*"

  settings {
    metrics_enabled        = var.detailed_metrics_enabled
    throttling_rate_limit  = var.throttling.rate_per_second
    throttling_burst_limit = var.throttling.burst
  }
}
