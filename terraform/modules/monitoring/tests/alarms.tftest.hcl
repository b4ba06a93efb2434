# Mocked: the point is which alarm watches what.
mock_provider "aws" {
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-north-1:111122223333:alarms" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  context      = { account_id = "111122223333", partition = "aws", region = "eu-north-1", dns_suffix = "amazonaws.com" }
  name         = "s3_lambda_api_dev"
  alarm_emails = ["ops@example.com"]
  kms_key_arn  = "arn:aws:kms:eu-north-1:111122223333:key/k"
  functions    = { create = { name = "create_dev", timeout_seconds = 15, interval_seconds = 600, asynchronous = true }, retrieve = { name = "retrieve_dev", timeout_seconds = 10 } }
  api          = { name = "s3_lambda_api_dev", stage = "dev" }
  freshness    = { namespace = "s3_lambda_api_dev", metric = "ObjectsWritten", dimensions = { service = "create_dev" }, interval_seconds = 600 }
}

run "watches_every_symptom" {
  command = apply

  variables {
    api                     = { name = "s3_lambda_api_dev", stage = "dev", throttled = { namespace = "n", name = "ThrottledRequests" } }
    dead_letter_queue_names = ["queue"]
    rule_names              = ["rule"]
    replication             = { source_bucket = "here", destination_bucket = "there", rule_id = "all" }
  }

  assert {
    condition = toset(keys(aws_cloudwatch_metric_alarm.symptom)) == toset([
      "create_errors", "create_throttles", "create_duration", "retrieve_errors", "retrieve_throttles", "retrieve_duration",
      "create_dropped", "create_dead_letters_lost", "rule_failed", "rule_undelivered_lost",
      "api_errors", "api_latency", "api_throttles", "freshness", "queue_depth", "replication_lag", "replication_failures",
    ])
    error_message = "An alarm is missing or new."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.symptom : strcontains(aws_cloudwatch_composite_alarm.any.alarm_rule, "\"${alarm.alarm_name}\"")])
    error_message = "The composite alarm must contain them all."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.symptom : contains(alarm.alarm_actions, "arn:aws:sns:eu-north-1:111122223333:alarms")]) && length(coalesce(aws_cloudwatch_composite_alarm.any.alarm_actions, [])) == 0
    error_message = "Each alarm must tell the topic by itself, and none for others."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.symptom["create_duration"].extended_statistic == "p95" && aws_cloudwatch_metric_alarm.symptom["create_duration"].threshold == 7500
    error_message = "Duration is watched at p95, in milliseconds."
  }

  assert {
    condition     = alltrue([for query in aws_cloudwatch_metric_alarm.symptom["api_errors"].metric_query : one(query.metric).dimensions == tomap({ ApiName = "s3_lambda_api_dev", Stage = "dev" }) if length(query.metric) > 0])
    error_message = "The API must be watched by its stage."
  }
}

run "takes_silence_for_a_symptom" {
  command = apply

  assert {
    condition     = aws_cloudwatch_metric_alarm.symptom["freshness"].treat_missing_data == "breaching"
    error_message = "No data are no objects."
  }

  assert {
    condition     = one(flatten(aws_cloudwatch_metric_alarm.symptom["freshness"].metric_query[*].metric)).period == 600 && aws_cloudwatch_metric_alarm.symptom["freshness"].evaluation_periods == 2
    error_message = "Two intervals without an object must raise the alarm."
  }

  assert {
    condition     = contains([for query in aws_cloudwatch_metric_alarm.symptom["freshness"].metric_query : query.expression if query.return_data == true], "FILL(written, 0)")
    error_message = "Silence must be points: CloudWatch ignores missing data while older points are in range."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.symptom["freshness"].comparison_operator == "LessThanThreshold" && aws_cloudwatch_metric_alarm.symptom["freshness"].threshold == 1
    error_message = "One object in an interval is enough."
  }
}

run "expects_no_objects_of_a_schedule_that_is_off" {
  command = apply

  variables {
    freshness = { namespace = "s3_lambda_api_dev", metric = "ObjectsWritten", dimensions = { service = "create_dev" }, interval_seconds = 600, alarm_enabled = false }
  }

  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.symptom), "freshness")
    error_message = "An alarm that can't but be on says nothing."
  }
}

run "warns_if_nobody_is_told" {
  command = plan

  variables {
    alarm_emails = []
  }

  expect_failures = [check.recipient]
}

run "tells_its_topic_when_the_key_is_tampered_with" {
  command = apply

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.key_tampering.event_pattern).detail.resources.ARN == [var.kms_key_arn]
    error_message = "Only the calls on this key count."
  }

  assert {
    condition     = aws_cloudwatch_event_target.key_tampering.arn == aws_sns_topic.alarms.arn
    error_message = "Who is told of alarms must be told of it."
  }

  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id == null
    error_message = "A topic that needs the key is silent once the key is disabled."
  }

  assert {
    condition     = length(aws_sns_topic_subscription.email) == 1
    error_message = "Addresses must be subscribed."
  }
}

run "draws_a_dashboard" {
  command = apply

  variables {
    reads                   = { namespace = "s3_lambda_api_dev", dimensions = { service = "retrieve_dev" } }
    dead_letter_queue_names = ["queue"]
    replication             = { source_bucket = "here", destination_bucket = "there", rule_id = "all" }
  }

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.type] == concat(["alarm"], [for chart in range(11) : "metric"], ["log", "log"])
    error_message = "The state of the alarms, the charts, and where each function's time went."
  }

  assert {
    condition     = alltrue([for metric in ["FreshnessAge", "Repairs", "ReplicationLatency", "OperationsPendingReplication"] : strcontains(aws_cloudwatch_dashboard.this.dashboard_body, "\"${metric}\"")])
    error_message = "Age, repairs and replication must be on the dashboard."
  }

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.properties.annotations.horizontal[0].value if length(try(widget.properties.annotations.horizontal, [])) > 0] == [2000, 7500, 5000]
    error_message = "A chart shows the threshold of its alarm."
  }

  assert {
    condition     = length(distinct([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : [widget.x, widget.y]])) == 14
    error_message = "No widget may lie on another."
  }
}

run "draws_only_what_there_is" {
  command = apply

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets) == 10
    error_message = "The alarms, three charts, two charts and a query of logs for each function."
  }
}

run "refuses_reads_without_dimensions" {
  command = plan

  variables {
    reads = { namespace = "n", dimensions = {} }
  }

  expect_failures = [var.reads]
}

run "refuses_an_address_that_is_none" {
  command = plan

  variables {
    alarm_emails = ["nobody"]
  }

  expect_failures = [var.alarm_emails]
}

run "refuses_an_interval_beyond_a_day" {
  command = plan

  variables {
    freshness = { namespace = "n", metric = "m", dimensions = {}, interval_seconds = 172800 }
  }

  expect_failures = [var.freshness]
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

run "refuses_an_alias_for_the_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-north-1:111122223333:alias/k"
  }

  expect_failures = [var.kms_key_arn]
}

run "refuses_a_function_without_time" {
  command = plan

  variables {
    functions = { create = { name = "create_dev", timeout_seconds = 0 } }
  }

  expect_failures = [var.functions]
}

run "refuses_an_api_without_latency" {
  command = plan

  variables {
    api = { name = "s3_lambda_api_dev", stage = "dev", latency_ms = 0 }
  }

  expect_failures = [var.api]
}

run "refuses_an_arn_for_a_queue" {
  command = plan

  variables {
    dead_letter_queue_names = ["arn:aws:sqs:eu-north-1:111122223333:queue"]
  }

  expect_failures = [var.dead_letter_queue_names]
}

run "refuses_replication_into_itself" {
  command = plan

  variables {
    replication = { source_bucket = "here", destination_bucket = "here", rule_id = "all" }
  }

  expect_failures = [var.replication]
}

run "refuses_the_arn_of_a_rule" {
  command = plan

  variables {
    rule_names = ["arn:aws:events:eu-north-1:111122223333:rule/r"]
  }

  expect_failures = [var.rule_names]
}
