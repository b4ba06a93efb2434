locals {
  name = "orders-${var.environment}"
}

resource "aws_lambda_function" "orders" {
  function_name    = local.name
  description      = "Stores the orders of the queue"
  role             = aws_iam_role.function.arn
  runtime          = "python3.13"
  handler          = "orders.handler.handler"
  filename         = var.lambda_zip
  source_code_hash = filebase64sha256(var.lambda_zip)
  timeout          = var.function_timeout_seconds
  memory_size      = 256

  environment {
    variables = { TABLE_NAME = aws_dynamodb_table.orders.name }
  }

  depends_on = [aws_cloudwatch_log_group.function] # or Lambda would make it, without an end to what it keeps
}

resource "aws_lambda_event_source_mapping" "orders" {
  event_source_arn                   = aws_sqs_queue.orders.arn
  function_name                      = aws_lambda_function.orders.arn
  batch_size                         = 10
  maximum_batching_window_in_seconds = var.batching_window_seconds
  function_response_types            = ["ReportBatchItemFailures"]

  depends_on = [aws_iam_role_policy.function] # Lambda asks for the permission to receive at once
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/${local.name}"
  retention_in_days = var.log_retention_days
}
