output "topic_arn" {
  description = "Topic that is told when an alarm goes on or off."
  value       = aws_sns_topic.alarms.arn
}

output "alarm_names" {
  description = "Names of the alarms, by symptom."
  value       = { for symptom, alarm in aws_cloudwatch_metric_alarm.symptom : symptom => alarm.alarm_name }
}

output "composite_alarm_name" {
  description = "Alarm that is on when any other is."
  value       = aws_cloudwatch_composite_alarm.any.alarm_name
}

output "dashboard_name" {
  description = "Name of the dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}
