# One alarm a symptom, and each notifies: one that notified for all would be silent about the second while the first is on.
resource "aws_cloudwatch_metric_alarm" "symptom" {
  for_each = local.symptoms

  alarm_name          = "${var.name}_${each.key}"
  alarm_description   = each.value.description
  comparison_operator = each.value.operator
  threshold           = each.value.threshold
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.breaching_periods
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  # A metric as it is, or an expression of several: AWS takes one or the other.
  namespace          = each.value.expression == null ? each.value.namespace : null
  metric_name        = each.value.expression == null ? each.value.metric : null
  dimensions         = each.value.expression == null ? each.value.dimensions : null
  period             = each.value.expression == null ? each.value.period : null
  statistic          = each.value.expression != null || startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic = each.value.expression == null && startswith(each.value.statistic, "p") ? each.value.statistic : null

  dynamic "metric_query" {
    for_each = each.value.expression == null ? [] : [each.value.expression]
    content {
      id          = "result"
      expression  = metric_query.value
      label       = each.key
      return_data = true
    }
  }

  dynamic "metric_query" {
    for_each = each.value.operands
    content {
      id = metric_query.key
      metric {
        namespace   = each.value.namespace
        metric_name = metric_query.value
        dimensions  = each.value.dimensions
        stat        = each.value.statistic
        period      = each.value.period
      }
    }
  }
}

# The state of the whole in one light; it notifies nobody.
resource "aws_cloudwatch_composite_alarm" "any" {
  alarm_name        = "${var.name}_unhealthy"
  alarm_description = "At least one alarm of ${var.name} is on: the runbook says what to do about each"
  alarm_rule        = join(" OR ", [for alarm in aws_cloudwatch_metric_alarm.symptom : "ALARM(\"${alarm.alarm_name}\")"])
}

check "recipient" {
  assert {
    condition     = length(var.alarm_emails) > 0
    error_message = "Nobody is told when an alarm of ${var.name} goes on. Name somebody in alarm_emails, or subscribe something else to the topic."
  }
}
