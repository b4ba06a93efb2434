output "queue_url" {
  description = "Queue that takes orders."
  value       = aws_sqs_queue.orders.url
}

output "failed_queue_url" {
  description = "Dead-letter queue: messages that never became an order."
  value       = aws_sqs_queue.failed.url
}

output "table_name" {
  description = "Table of the orders."
  value       = aws_dynamodb_table.orders.name
}

output "function_name" {
  description = "Function that stores the orders."
  value       = aws_lambda_function.orders.function_name
}
