resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_116:the alias has an on-failure destination instead, which also tells why an event failed
  # checkov:skip=CKV_AWS_117:S3 and KMS are all that it calls; a VPC would add endpoints and protect nothing
  # checkov:skip=CKV_AWS_173:its environment holds names and no secrets
  # checkov:skip=CKV_AWS_272:a signing profile would need an account to sign with; whoever may write the code bucket decides what runs

  function_name = var.function_name
  description   = var.description
  role          = var.role_arn
  runtime       = var.runtime
  handler       = var.handler
  architectures = [var.architecture]
  memory_size   = var.memory_mb
  timeout       = var.timeout_seconds
  publish       = true

  # From S3, not `filename`: uploads through the provider are created one after the other.
  s3_bucket        = var.code.bucket
  s3_key           = var.code.key
  source_code_hash = var.code.sha256_base64

  reserved_concurrent_executions = var.reserved_concurrency

  environment {
    variables = var.environment_variables
  }

  tracing_config {
    mode = var.tracing_enabled ? "Active" : "PassThrough"
  }
}

# Everything that calls the function calls this alias: a rollback moves the alias and nothing else.
resource "aws_lambda_alias" "live" {
  count = var.gradual_deployment_enabled ? 0 : 1

  name             = local.alias_name
  description      = "The version that serves"
  function_name    = aws_lambda_function.this.function_name
  function_version = coalesce(var.live_version, aws_lambda_function.this.version)
}

# Terraform makes this one and CodeDeploy moves it, in steps and back.
resource "aws_lambda_alias" "gradual" {
  count = var.gradual_deployment_enabled ? 1 : 0

  name             = local.alias_name
  description      = "The version that serves"
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version

  lifecycle {
    ignore_changes = [function_version, routing_config]
  }
}

resource "aws_lambda_function_event_invoke_config" "live" {
  count = var.async_invocation == null ? 0 : 1

  function_name                = aws_lambda_function.this.function_name
  qualifier                    = local.alias.name
  maximum_event_age_in_seconds = var.async_invocation.maximum_age_seconds
  maximum_retry_attempts       = var.async_invocation.maximum_retries

  dynamic "destination_config" {
    for_each = aws_sqs_queue.failed[*].arn
    content {
      on_failure {
        destination = destination_config.value
      }
    }
  }
}
