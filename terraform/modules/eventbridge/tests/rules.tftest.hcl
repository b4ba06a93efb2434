# Mocked: the point is which part refers to which.
mock_provider "aws" {
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-north-1:111122223333:rule/mocked" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-north-1:111122223333:mocked" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/mocked" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  context           = { account_id = "111122223333", partition = "aws", region = "eu-north-1", dns_suffix = "amazonaws.com" }
  name              = "create_dev"
  event_source      = "s3_lambda_api.dev"
  event_detail_type = "Create Encrypted Timestamp"
  function_name     = "create_dev"
  alias_name        = "live"
  alias_arn         = "arn:aws:lambda:eu-north-1:111122223333:function:create_dev:live"
}

run "both_rules_invoke_the_alias" {
  command = apply

  assert {
    condition     = aws_cloudwatch_event_rule.schedule[0].schedule_expression == "rate(10 minutes)" && aws_cloudwatch_event_rule.schedule[0].state == "ENABLED"
    error_message = "The schedule must run every 10 minutes."
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.on_demand.event_pattern) == { source = ["s3_lambda_api.dev"], "detail-type" = ["Create Encrypted Timestamp"] }
    error_message = "The on-demand rule must match source and detail type."
  }

  assert {
    condition     = alltrue([for target in aws_cloudwatch_event_target.function : target.arn == var.alias_arn])
    error_message = "Both rules must call the same alias."
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_event_target.function)) == toset(["schedule", "on_demand"])
    error_message = "Two rules, two targets."
  }

  assert {
    condition     = alltrue([for permission in aws_lambda_permission.rule : permission.source_arn == "arn:aws:events:eu-north-1:111122223333:rule/mocked" && permission.qualifier == "live" && permission.principal == "events.amazonaws.com"])
    error_message = "Each permission must be for one rule, on the alias."
  }

  assert {
    condition     = alltrue([for target in aws_cloudwatch_event_target.function : one(target.retry_policy).maximum_retry_attempts == 10])
    error_message = "Delivery must be retried, with an end."
  }
}

run "knows_its_interval_in_seconds" {
  command = plan

  variables {
    schedule_expression = "rate(2 hours)"
  }

  assert {
    condition     = output.schedule_interval_seconds == 7200
    error_message = "Two hours are 7200 seconds."
  }
}

run "can_be_paused" {
  command = plan

  variables {
    schedule_enabled = false
  }

  assert {
    condition     = aws_cloudwatch_event_rule.schedule[0].state == "DISABLED"
    error_message = "The schedule must be off."
  }
}

run "keeps_undelivered_events" {
  command = apply

  variables {
    dead_letter_queue_enabled = true
  }

  assert {
    condition     = alltrue([for target in aws_cloudwatch_event_target.function : one(target.dead_letter_config).arn == "arn:aws:sqs:eu-north-1:111122223333:mocked"])
    error_message = "Both targets need the queue."
  }
}

run "can_be_kept_by_the_scheduler" {
  command = apply

  variables {
    scheduler = "scheduler"
  }

  assert {
    condition     = length(aws_cloudwatch_event_rule.schedule) == 0 && toset(keys(aws_cloudwatch_event_target.function)) == toset(["on_demand"]) && output.schedule_rule_name == null
    error_message = "There must be one schedule, not two."
  }

  assert {
    condition     = aws_scheduler_schedule.this[0].schedule_expression == "rate(10 minutes)" && one(aws_scheduler_schedule.this[0].target).arn == var.alias_arn
    error_message = "The scheduler must call the alias."
  }

  assert {
    condition     = strcontains(one(aws_scheduler_schedule.this[0].target).input, "\"<aws.scheduler.scheduled-time>\"")
    error_message = "The scheduler fills in the time only where its placeholder stands unescaped."
  }

  assert {
    condition     = jsondecode(one(aws_scheduler_schedule.this[0].target).input).id == "<aws.scheduler.schedule-arn>" && !strcontains(one(aws_scheduler_schedule.this[0].target).input, "<aws.scheduler.execution-id>") && !strcontains(one(aws_scheduler_schedule.this[0].target).input, "<aws.scheduler.attempt-number>")
    error_message = "What differs from attempt to attempt makes a second object of a retry."
  }
}

run "refuses_cron" {
  command = plan

  variables {
    schedule_expression = "cron(0 12 * * ? *)"
  }

  expect_failures = [var.schedule_expression]
}

run "refuses_a_plural_of_one" {
  command = plan

  variables {
    schedule_expression = "rate(1 minutes)"
  }

  expect_failures = [var.schedule_expression]
}

run "refuses_a_rate_of_zero" {
  command = plan

  variables {
    schedule_expression = "rate(0 minutes)"
  }

  expect_failures = [var.schedule_expression]
}

run "refuses_another_scheduler" {
  command = plan

  variables {
    scheduler = "cron"
  }

  expect_failures = [var.scheduler]
}

run "refuses_a_source_of_aws" {
  command = plan

  variables {
    event_source = "aws.ec2"
  }

  expect_failures = [var.event_source]
}

run "refuses_a_long_name" {
  command = plan

  variables {
    name = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
  }

  expect_failures = [var.name]
}

run "refuses_retries_for_ever" {
  command = plan

  variables {
    retry_policy = { maximum_age_seconds = 90000, maximum_retries = 10 }
  }

  expect_failures = [var.retry_policy]
}

run "refuses_too_many_retries" {
  command = plan

  variables {
    retry_policy = { maximum_age_seconds = 3600, maximum_retries = 200 }
  }

  expect_failures = [var.retry_policy]
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
    event_bus_name = "arn:aws:events:eu-north-1:111122223333:event-bus/default"
    function_name  = "arn:aws:lambda:eu-north-1:111122223333:function:create_dev"
    alias_name     = "create_dev:live"
  }

  expect_failures = [var.event_bus_name, var.function_name, var.alias_name]
}

run "refuses_a_function_without_alias" {
  command = plan

  variables {
    alias_arn = "arn:aws:lambda:eu-north-1:111122223333:function:create_dev"
  }

  expect_failures = [var.alias_arn]
}

run "refuses_events_without_type" {
  command = plan

  variables {
    event_detail_type = ""
  }

  expect_failures = [var.event_detail_type]
}

run "refuses_a_boundary_that_is_no_policy" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::111122223333:role/boundary"
  }

  expect_failures = [var.permissions_boundary_arn]
}
