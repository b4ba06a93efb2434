# One alarm a symptom, all of the same shape. Only the composite alarm notifies: one incident is one message.
resource "aws_cloudwatch_metric_alarm" "symptom" {
  for_each = local.symptoms

  alarm_name          = "${var.name}_${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  comparison_operator = each.value.operator
  threshold           = each.value.threshold
  period              = each.value.period
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
}

resource "aws_cloudwatch_composite_alarm" "any" {
  alarm_name        = "${var.name}_unhealthy"
  alarm_description = "At least one alarm of ${var.name} is on: the runbook says what to do about each"
  alarm_rule        = join(" OR ", [for alarm in aws_cloudwatch_metric_alarm.symptom : "ALARM(\"${alarm.alarm_name}\")"])
  alarm_actions     = [aws_sns_topic.alarms.arn]
  ok_actions        = [aws_sns_topic.alarms.arn]
}
