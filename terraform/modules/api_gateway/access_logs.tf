resource "aws_cloudwatch_log_group" "access" {
  count = local.access_logs

  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.access_logs.retention_days
  kms_key_id        = var.access_logs.kms_key_arn
}

# API Gateway counts no requests that it throttled apart from other 4XX; its log has them.
resource "aws_cloudwatch_log_metric_filter" "throttled" {
  count = local.access_logs

  name           = "${var.name}_throttled"
  log_group_name = aws_cloudwatch_log_group.access[0].name
  pattern        = "{ $.status = \"429\" }"

  metric_transformation {
    namespace = var.name
    name      = local.throttled_metric
    value     = "1"
    unit      = "Count"
  }
}

# One setting for all APIs of the account in the region. A stack that makes it takes the logs of all others along when it is
# destroyed, so none does unless it is told that the account is its own.
resource "aws_api_gateway_account" "logging" {
  count = local.account_roles

  cloudwatch_role_arn = aws_iam_role.logging[0].arn
  depends_on          = [aws_iam_role_policy_attachment.logging]
}

resource "aws_iam_role" "logging" {
  count = local.account_roles

  name                 = "${var.name}_api_logging_${var.context.region}"
  description          = "Lets API Gateway write its access logs"
  assume_role_policy   = data.aws_iam_policy_document.assume_logging[0].json
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy_attachment" "logging" {
  count = local.account_roles

  role       = aws_iam_role.logging[0].name
  policy_arn = "arn:${var.context.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}

data "aws_iam_policy_document" "assume_logging" {
  count = local.account_roles

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["apigateway.amazonaws.com"]
    }
  }
}

locals {
  throttled_metric = "ThrottledRequests"

  access_logs   = var.access_logs == null ? 0 : 1
  account_roles = try(var.access_logs.account_role_managed, false) ? 1 : 0

  access_log_fields = {
    requestId          = "$context.requestId"
    traceId            = "$context.xrayTraceId"
    requestTime        = "$context.requestTime"
    ip                 = "$context.identity.sourceIp"
    userAgent          = "$context.identity.userAgent"
    httpMethod         = "$context.httpMethod"
    path               = "$context.path"
    status             = "$context.status"
    error              = "$context.error.responseType" # not the message, which may quote what a client has sent
    integrationError   = "$context.integration.error"
    responseLength     = "$context.responseLength"
    responseLatency    = "$context.responseLatency"
    integrationLatency = "$context.integrationLatency"
  }
}
