output "function_name" {
  description = "Name of the function, known once it exists."
  value       = aws_lambda_function.this.function_name
}

output "alias_name" {
  description = "Name of the alias that serves, known once it exists."
  value       = local.alias.name
}

output "alias_arn" {
  description = "ARN to invoke, known once the alias exists."
  value       = local.alias.arn
}

output "invoke_arn" {
  description = "Integration URI for API Gateway, known before the function exists."
  value       = local.invoke_arn
}

output "dead_letter_queue_arn" {
  description = "Queue of failed events, known before it exists; null if there is none."
  value       = local.dead_letter_queue_arn
}

output "dead_letter_queue_name" {
  description = "Name of the queue of failed events; null if there is none."
  value       = one(aws_sqs_queue.failed[*].name)
}

output "log_group_name" {
  description = "Log group of the function."
  value       = aws_cloudwatch_log_group.this.name
}

output "live_version" {
  description = "Version that the alias serves; while CodeDeploy moves it, the one before."
  value       = local.alias.function_version
}

output "published_version" {
  description = "Newest published version; the alias may serve an older one."
  value       = aws_lambda_function.this.version
}
