# Real provider, no account: nothing here calls AWS, and policies are rendered as they would be sent.
provider "aws" {
  region                      = "eu-north-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

variables {
  context         = { account_id = "111122223333", partition = "aws", region = "eu-north-1", dns_suffix = "amazonaws.com" }
  function_name   = "create_dev"
  description     = "test"
  role_arn        = "arn:aws:iam::111122223333:role/writer"
  handler         = "package.module.handler"
  log_kms_key_arn = "arn:aws:kms:eu-north-1:111122223333:key/k"

  code = { bucket = "artifacts", key = "code.zip", sha256_base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
}

run "serves_a_published_version_through_the_alias" {
  command = plan

  assert {
    condition     = aws_lambda_function.this.publish && aws_lambda_alias.live[0].name == "live"
    error_message = "Versions must be published and served by the alias."
  }

  assert {
    condition     = output.invoke_arn == "arn:aws:apigateway:eu-north-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-north-1:111122223333:function:create_dev:live/invocations"
    error_message = "The integration must point at the alias."
  }

  assert {
    condition     = aws_lambda_function.this.timeout < 29
    error_message = "The time-out must be below that of API Gateway."
  }

  assert {
    condition     = one(aws_lambda_function.this.tracing_config).mode == "Active"
    error_message = "Tracing must be on."
  }

  assert {
    condition     = aws_lambda_function.this.filename == null && aws_lambda_function.this.s3_bucket == "artifacts"
    error_message = "Deployed from a file, functions are created one after the other."
  }

  assert {
    condition     = aws_lambda_function.this.architectures == tolist(["arm64"]) && aws_lambda_function.this.reserved_concurrent_executions == -1
    error_message = "The defaults have changed."
  }
}

run "keeps_its_log_encrypted_and_not_for_ever" {
  command = plan

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/aws/lambda/create_dev" && aws_cloudwatch_log_group.this.retention_in_days == 30 && aws_cloudwatch_log_group.this.kms_key_id == "arn:aws:kms:eu-north-1:111122223333:key/k"
    error_message = "The log group must be the function's, with retention and key."
  }
}

run "rolls_back_by_the_alias_alone" {
  command = plan

  variables {
    live_version = "3"
  }

  assert {
    condition     = aws_lambda_alias.live[0].function_version == "3"
    error_message = "The alias must serve the version asked for."
  }
}

run "keeps_failed_events" {
  command = plan

  variables {
    async_invocation          = { maximum_retries = 1 }
    dead_letter_queue_enabled = true
  }

  assert {
    condition     = aws_lambda_function_event_invoke_config.live[0].qualifier == "live" && aws_lambda_function_event_invoke_config.live[0].maximum_retry_attempts == 1
    error_message = "The alias must have the retry policy."
  }

  assert {
    condition     = aws_sqs_queue.failed[0].sqs_managed_sse_enabled && aws_sqs_queue.failed[0].name == "create_dev_failed"
    error_message = "The queue must be encrypted."
  }

  assert {
    condition     = output.dead_letter_queue_arn == "arn:aws:sqs:eu-north-1:111122223333:create_dev_failed"
    error_message = "The role's policy needs the ARN before the queue exists."
  }
}

run "has_no_queue_unasked" {
  command = plan

  assert {
    condition     = length(aws_sqs_queue.failed) == 0 && output.dead_letter_queue_arn == null
    error_message = "A queue nobody asked for."
  }
}

run "refuses_a_time_out_of_the_api" {
  command = plan

  variables {
    timeout_seconds = 29
  }

  expect_failures = [var.timeout_seconds]
}

run "refuses_an_old_runtime" {
  command = plan

  variables {
    runtime = "python3.8"
  }

  expect_failures = [var.runtime]
}

run "refuses_too_little_memory" {
  command = plan

  variables {
    memory_mb = 64
  }

  expect_failures = [var.memory_mb]
}

run "refuses_an_unknown_architecture" {
  command = plan

  variables {
    architecture = "mips"
  }

  expect_failures = [var.architecture]
}

run "refuses_a_version_that_is_none" {
  command = plan

  variables {
    live_version = "$LATEST"
  }

  expect_failures = [var.live_version]
}

run "refuses_a_handler_without_module" {
  command = plan

  variables {
    handler = "handler"
  }

  expect_failures = [var.handler]
}

run "refuses_a_bad_name" {
  command = plan

  variables {
    function_name = "no blanks"
  }

  expect_failures = [var.function_name]
}

run "refuses_an_odd_retention" {
  command = plan

  variables {
    log_retention_days = 42
  }

  expect_failures = [var.log_retention_days]
}

run "refuses_too_many_retries" {
  command = plan

  variables {
    async_invocation = { maximum_retries = 3 }
  }

  expect_failures = [var.async_invocation]
}

run "refuses_events_that_age_at_once" {
  command = plan

  variables {
    async_invocation = { maximum_age_seconds = 1 }
  }

  expect_failures = [var.async_invocation]
}

run "refuses_dead_letters_of_nothing" {
  command = plan

  variables {
    dead_letter_queue_enabled = true
  }

  expect_failures = [var.dead_letter_queue_enabled]
}

run "refuses_negative_concurrency" {
  command = plan

  variables {
    reserved_concurrency = -2
  }

  expect_failures = [var.reserved_concurrency]
}

run "refuses_an_account_that_is_none" {
  command = plan

  variables {
    context = { account_id = "1", partition = "aws", region = "eu-north-1", dns_suffix = "amazonaws.com" }
  }

  expect_failures = [var.context]
}

run "refuses_what_is_no_arn" {
  command = plan

  variables {
    role_arn        = "writer"
    log_kms_key_arn = "arn:aws:kms:eu-north-1:111122223333:alias/k"
  }

  expect_failures = [var.role_arn, var.log_kms_key_arn]
}

run "refuses_a_digest_in_hex" {
  command = plan

  variables {
    code = { bucket = "artifacts", key = "code.zip", sha256_base64 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" }
  }

  expect_failures = [var.code]
}

run "refuses_a_bad_name_of_a_variable" {
  command = plan

  variables {
    environment_variables = { "BUCKET-NAME" = "objects" }
  }

  expect_failures = [var.environment_variables]
}

run "refuses_a_long_description" {
  command = plan

  variables {
    description = format("%257s", "x")
  }

  expect_failures = [var.description]
}
