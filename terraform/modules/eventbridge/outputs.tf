output "schedule_rule_name" {
  description = "Rule that runs on the schedule; null if EventBridge Scheduler keeps it."
  value       = one(aws_cloudwatch_event_rule.schedule[*].name)
}

output "on_demand_rule_name" {
  description = "Rule that runs on the on-demand event."
  value       = aws_cloudwatch_event_rule.on_demand.name
}

output "event_bus_name" {
  description = "Bus of the on-demand event."
  value       = var.event_bus_name
}

output "schedule_interval_seconds" {
  description = "Seconds between two scheduled objects."
  value       = local.every_seconds
}

output "event_source" {
  description = "Source of the on-demand event."
  value       = var.event_source
}

output "event_detail_type" {
  description = "Detail type of the on-demand event."
  value       = var.event_detail_type
}

output "dead_letter_queue_name" {
  description = "Name of the queue of undelivered events; null if there is none."
  value       = one(aws_sqs_queue.undelivered[*].name)
}
