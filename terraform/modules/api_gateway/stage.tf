resource "aws_api_gateway_deployment" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id

  # A deployment is a snapshot: whatever changes in main.tf must change this hash, or it is never served. So hashed are the
  # file itself and all variables that it uses, but for the name, which is no part of a snapshot.
  triggers = {
    redeployment = sha256(jsonencode([
      filesha256("${path.module}/main.tf"),
      var.path_part, var.authorization, var.api_key_required, var.invoke_arn,
    ]))
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [aws_api_gateway_integration.read, aws_api_gateway_gateway_response.json]
}

resource "aws_api_gateway_stage" "this" {
  # checkov:skip=CKV2_AWS_4:execution logs would repeat the access log and the function's log
  # checkov:skip=CKV2_AWS_29:a firewall of one's own is attached to the stage from outside; production takes signed requests only
  # checkov:skip=CKV2_AWS_51:a Lambda integration takes no client certificate
  # checkov:skip=CKV_AWS_120:a cached answer would not be the most recent object

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
  # checkov:skip=CKV_AWS_225:a cached answer would not be the most recent object

  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  method_path = "*/*"

  settings {
    metrics_enabled        = var.detailed_metrics_enabled
    throttling_rate_limit  = var.throttling.rate_per_second
    throttling_burst_limit = var.throttling.burst
  }
}
