# A plan limits the clients that send an API key, and nobody else: without keys the stage's throttle is all there is.
resource "aws_api_gateway_usage_plan" "this" {
  count = var.api_key_required ? 1 : 0

  name        = var.name
  description = "Rate and quota of the clients of ${var.name}"

  api_stages {
    api_id = aws_api_gateway_rest_api.this.id
    stage  = aws_api_gateway_stage.this.stage_name
  }

  throttle_settings {
    rate_limit  = var.throttling.rate_per_second
    burst_limit = var.throttling.burst
  }

  quota_settings {
    limit  = var.quota_per_day
    period = "DAY"
  }
}

resource "aws_api_gateway_api_key" "client" {
  count = var.api_key_required ? 1 : 0

  name        = var.name
  description = "Client of ${var.name}"
  value       = var.api_key
}

resource "aws_api_gateway_usage_plan_key" "client" {
  count = var.api_key_required ? 1 : 0

  usage_plan_id = aws_api_gateway_usage_plan.this[0].id
  key_id        = aws_api_gateway_api_key.client[0].id
  key_type      = "API_KEY"
}
