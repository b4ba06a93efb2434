# Mocked: the point is which part refers to which.
mock_provider "aws" {
  mock_resource "aws_api_gateway_rest_api" {
    defaults = { id = "api", root_resource_id = "root", execution_arn = "arn:aws:execute-api:eu-north-1:111122223333:api" }
  }
  mock_resource "aws_api_gateway_resource" {
    defaults = { id = "latest", path = "/latest" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-north-1:111122223333:log-group:access" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/logging" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  context       = { account_id = "111122223333", partition = "aws", region = "eu-north-1", dns_suffix = "amazonaws.com" }
  name          = "s3_lambda_api_dev"
  stage_name    = "dev"
  path_part     = "latest"
  function_name = "retrieve_dev"
  alias_name    = "live"
  invoke_arn    = "arn:aws:apigateway:eu-north-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-north-1:111122223333:function:retrieve_dev:live/invocations"
}

run "publishes_the_url_that_it_serves" {
  command = apply

  assert {
    condition     = output.url == "https://api.execute-api.eu-north-1.amazonaws.com/dev/latest"
    error_message = "The URL must have stage and path once each."
  }

  assert {
    condition     = toset(keys(aws_api_gateway_method.read)) == toset(["GET", "HEAD"])
    error_message = "GET and HEAD, nothing else."
  }

  assert {
    condition     = alltrue([for integration in aws_api_gateway_integration.read : integration.integration_http_method == "POST" && integration.type == "AWS_PROXY" && integration.timeout_milliseconds == 29000])
    error_message = "Lambda is invoked with POST, as a proxy."
  }
}

run "permits_exactly_the_call_that_is_made" {
  command = apply

  assert {
    condition     = aws_lambda_permission.read["GET"].source_arn == "arn:aws:execute-api:eu-north-1:111122223333:api/dev/GET/latest"
    error_message = "The permission must be for GET of the path on the stage."
  }

  assert {
    condition     = aws_lambda_permission.read["HEAD"].source_arn == "arn:aws:execute-api:eu-north-1:111122223333:api/dev/HEAD/latest"
    error_message = "The permission must be for HEAD of the path on the stage."
  }

  assert {
    condition     = alltrue([for permission in aws_lambda_permission.read : permission.qualifier == "live" && permission.principal == "apigateway.amazonaws.com"])
    error_message = "The permission must be on the alias."
  }

  assert {
    condition     = alltrue([for permission in aws_lambda_permission.read : endswith(permission.statement_id, substr(sha256(var.path_part), 0, 8))])
    error_message = "A new path needs a statement of its own, beside that of the old one."
  }
}

run "is_throttled" {
  command = apply

  variables {
    throttling = { rate_per_second = 5, burst = 7 }
  }

  assert {
    condition     = one(aws_api_gateway_method_settings.all.settings).throttling_rate_limit == 5 && one(aws_api_gateway_method_settings.all.settings).throttling_burst_limit == 7
    error_message = "The stage must be throttled."
  }

  assert {
    condition     = length(aws_api_gateway_api_key.client) == 0 && length(aws_api_gateway_usage_plan.this) == 0
    error_message = "A usage plan limits the clients with a key only: without keys it promises what it does not do."
  }
}

run "asks_for_a_key_or_a_signature_when_told" {
  command = apply

  variables {
    api_key_required = true
    authorization    = "AWS_IAM"
  }

  assert {
    condition     = alltrue([for method in aws_api_gateway_method.read : method.api_key_required && method.authorization == "AWS_IAM"])
    error_message = "The methods must ask for both."
  }

  assert {
    condition     = length(aws_api_gateway_usage_plan_key.client) == 1
    error_message = "The key must belong to the usage plan."
  }

  assert {
    condition     = one(aws_api_gateway_usage_plan.this[0].throttle_settings).rate_limit == 50 && one(aws_api_gateway_usage_plan.this[0].quota_settings).limit == 100000
    error_message = "The usage plan must limit rate and number."
  }
}

run "redeploys_when_the_path_changes" {
  command = apply

  variables {
    path_part = "newest"
  }

  assert {
    condition     = aws_api_gateway_deployment.this.triggers.redeployment != run.publishes_the_url_that_it_serves.redeployment_trigger
    error_message = "A changed path must be a new deployment."
  }
}

run "redeploys_when_the_integration_changes" {
  command = apply

  variables {
    invoke_arn = "arn:aws:apigateway:eu-north-1:lambda:path/2015-03-31/functions/other:live/invocations"
  }

  assert {
    condition     = aws_api_gateway_deployment.this.triggers.redeployment != run.publishes_the_url_that_it_serves.redeployment_trigger
    error_message = "A changed integration must be a new deployment."
  }
}

run "redeploys_when_authorization_changes" {
  command = apply

  variables {
    authorization = "AWS_IAM"
  }

  assert {
    condition     = aws_api_gateway_deployment.this.triggers.redeployment != run.publishes_the_url_that_it_serves.redeployment_trigger
    error_message = "Changed methods must be a new deployment."
  }
}

run "redeploys_when_a_key_is_asked_for" {
  command = apply

  variables {
    api_key_required = true
  }

  assert {
    condition     = aws_api_gateway_deployment.this.triggers.redeployment != run.publishes_the_url_that_it_serves.redeployment_trigger
    error_message = "Changed methods must be a new deployment."
  }
}

run "does_not_redeploy_without_reason" {
  command = apply

  assert {
    condition     = aws_api_gateway_deployment.this.triggers.redeployment == run.publishes_the_url_that_it_serves.redeployment_trigger
    error_message = "Nothing has changed."
  }
}

run "logs_every_request_as_json" {
  command = apply

  variables {
    access_logs = { retention_days = 30, kms_key_arn = "arn:aws:kms:eu-north-1:111122223333:key/k" }
  }

  assert {
    condition     = can(jsondecode(one(aws_api_gateway_stage.this.access_log_settings).format).requestId)
    error_message = "The access log must be JSON."
  }

  assert {
    condition     = !strcontains(one(aws_api_gateway_stage.this.access_log_settings).format, "error.message")
    error_message = "A message may quote a client's header, quotation marks included, and the line would be JSON no more."
  }

  assert {
    condition     = aws_cloudwatch_log_group.access[0].retention_in_days == 30
    error_message = "The access log must not be kept for ever."
  }

  assert {
    condition     = length(aws_api_gateway_account.logging) == 0
    error_message = "The account's role is all APIs': no stack sets it unless it is told to."
  }
}

run "sets_the_accounts_role_when_told" {
  command = apply

  variables {
    access_logs = { retention_days = 30, kms_key_arn = "arn:aws:kms:eu-north-1:111122223333:key/k", account_role_managed = true }
  }

  assert {
    condition     = length(aws_api_gateway_account.logging) == 1 && length(aws_cloudwatch_log_group.access) == 1
    error_message = "API Gateway needs a role to log with."
  }
}

run "refuses_a_key_that_is_too_short" {
  command = plan

  variables {
    api_key = "short"
  }

  expect_failures = [var.api_key]
}

run "refuses_a_path_with_slashes" {
  command = plan

  variables {
    path_part = "a/b"
  }

  expect_failures = [var.path_part]
}

run "refuses_a_function_without_alias" {
  command = plan

  variables {
    invoke_arn = "arn:aws:lambda:eu-north-1:111122223333:function:retrieve_dev"
  }

  expect_failures = [var.invoke_arn]
}

run "refuses_unknown_authorization" {
  command = plan

  variables {
    authorization = "CUSTOM"
  }

  expect_failures = [var.authorization]
}

run "refuses_no_requests_at_all" {
  command = plan

  variables {
    throttling = { rate_per_second = 0, burst = 1 }
  }

  expect_failures = [var.throttling]
}

run "refuses_no_quota" {
  command = plan

  variables {
    quota_per_day = 0
  }

  expect_failures = [var.quota_per_day]
}

run "refuses_a_bad_stage" {
  command = plan

  variables {
    stage_name = "a b"
  }

  expect_failures = [var.stage_name]
}

run "refuses_a_bad_name" {
  command = plan

  variables {
    name = "a b"
  }

  expect_failures = [var.name]
}

run "refuses_an_account_that_is_none" {
  command = plan

  variables {
    context = { account_id = "1", partition = "aws", region = "eu-north-1", dns_suffix = "amazonaws.com" }
  }

  expect_failures = [var.context]
}

run "refuses_arns_for_names" {
  command = plan

  variables {
    function_name = "arn:aws:lambda:eu-north-1:111122223333:function:retrieve_dev"
    alias_name    = "retrieve_dev:live"
  }

  expect_failures = [var.function_name, var.alias_name]
}

run "refuses_an_odd_retention" {
  command = plan

  variables {
    access_logs = { retention_days = 31, kms_key_arn = "arn:aws:kms:eu-north-1:111122223333:key/k" }
  }

  expect_failures = [var.access_logs]
}

run "refuses_an_alias_for_the_key_of_the_log" {
  command = plan

  variables {
    access_logs = { retention_days = 30, kms_key_arn = "arn:aws:kms:eu-north-1:111122223333:alias/k" }
  }

  expect_failures = [var.access_logs]
}

run "counts_what_it_throttles_by_its_log" {
  command = plan

  variables {
    access_logs = { retention_days = 30, kms_key_arn = "arn:aws:kms:eu-north-1:111122223333:key/k" }
  }

  assert {
    condition     = aws_cloudwatch_log_metric_filter.throttled[0].pattern == "{ $.status = \"429\" }" && jsondecode(jsonencode(local.access_log_fields)).status == "$context.status"
    error_message = "The filter must ask for the field that the log has."
  }

  assert {
    condition     = output.throttled_metric == { namespace = var.name, name = one(aws_cloudwatch_log_metric_filter.throttled[0].metric_transformation).name }
    error_message = "The metric that is told must be the one that is counted."
  }
}

run "refuses_a_boundary_that_is_no_policy" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::111122223333:role/boundary"
  }

  expect_failures = [var.permissions_boundary_arn]
}
