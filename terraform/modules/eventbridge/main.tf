resource "aws_cloudwatch_event_rule" "schedule" {
  count = var.scheduler == "rule" ? 1 : 0

  name                = "${var.name}_schedule"
  description         = "Invokes ${var.name} at ${var.schedule_expression}"
  schedule_expression = var.schedule_expression
  state               = var.schedule_enabled ? "ENABLED" : "DISABLED"
}

# A schedule cannot be fired by hand, so the same target also listens to an event.
resource "aws_cloudwatch_event_rule" "on_demand" {
  name           = "${var.name}_on_demand"
  description    = "Invokes ${var.name} at an event from ${var.event_source}"
  event_bus_name = var.event_bus_name

  event_pattern = jsonencode({
    source      = [var.event_source]
    detail-type = [var.event_detail_type]
  })
}

resource "aws_cloudwatch_event_target" "function" {
  for_each = local.rules

  rule           = each.value.rule.name
  event_bus_name = each.value.rule.event_bus_name
  arn            = var.alias_arn

  retry_policy {
    maximum_event_age_in_seconds = var.retry_policy.maximum_age_seconds
    maximum_retry_attempts       = var.retry_policy.maximum_retries
  }

  dynamic "dead_letter_config" {
    for_each = aws_sqs_queue.undelivered[*].arn
    content {
      arn = dead_letter_config.value
    }
  }
}

resource "aws_lambda_permission" "rule" {
  for_each = local.rules

  statement_id  = each.value.statement_id
  action        = "lambda:InvokeFunction"
  function_name = var.function_name
  qualifier     = var.alias_name
  principal     = "events.amazonaws.com"
  source_arn    = each.value.rule.arn
}

locals {
  rules = merge(
    { on_demand = { rule = aws_cloudwatch_event_rule.on_demand, statement_id = "AllowOnDemand" } },
    { for rule in aws_cloudwatch_event_rule.schedule : "schedule" => { rule = rule, statement_id = "AllowSchedule" } },
  )

  schedule      = regex("^rate\\((?P<count>[0-9]+) (?P<unit>minute|hour|day)s?\\)$", var.schedule_expression)
  unit_seconds  = { minute = 60, hour = 3600, day = 86400 }
  every_seconds = tonumber(local.schedule.count) * local.unit_seconds[local.schedule.unit]
}
