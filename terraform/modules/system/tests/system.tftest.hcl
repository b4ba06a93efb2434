# Mocked: the point is which part refers to which. The modules' own tests have the rest.
mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333", arn = "arn:aws:sts::111122223333:assumed-role/deployer/me" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }
  mock_data "aws_iam_session_context" {
    defaults = { issuer_arn = "arn:aws:iam::111122223333:role/deployer" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

mock_provider "aws" {
  alias = "replica"

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  project                       = "s3-lambda-api"
  environment                   = "test"
  region                        = "eu-north-1"
  bucket_name                   = null
  replica_region                = "eu-west-1"
  failed_over                   = false
  domain                        = null
  retention                     = null
  access_logs_enabled           = false
  force_destroy                 = true
  deletion_protection           = false
  operator_arns                 = ["arn:aws:iam::111122223333:role/operator"]
  deployer_is_operator          = true
  permissions_boundary_arn      = null
  kms_rotation_enabled          = false
  kms_deletion_window_days      = 7
  lambda_zip                    = "tests/code.txt" # any file will do
  architecture                  = "arm64"
  function_environment          = {}
  create_timeout_seconds        = 15
  retrieve_timeout_seconds      = 10
  create_reserved_concurrency   = -1
  retrieve_reserved_concurrency = -1
  create_live_version           = null
  retrieve_live_version         = null
  gradual_deployment            = null
  dead_letter_queues_enabled    = false
  monitoring_enabled            = false
  alarm_emails                  = []
  log_level                     = "INFO"
  log_retention_days            = 14
  tracing_enabled               = false
  scheduler                     = "rule"
  schedule_expression           = "rate(10 minutes)"
  schedule_enabled              = true
  event_bus_name                = "default"
  api_path_part                 = null
  api_authorization             = "NONE"
  api_key_required              = false
  api_throttling                = { rate_per_second = 50, burst = 100 }
  api_account_role_managed      = false
}

run "names_come_from_project_environment_account_and_region" {
  command = plan

  assert {
    condition     = local.bucket_name == "s3-lambda-api-test-111122223333-eu-north-1"
    error_message = "The bucket's name must be unique by itself."
  }

  assert {
    condition     = local.name == "s3_lambda_api_test"
    error_message = "Every name must have project and environment in it."
  }

  assert {
    condition     = local.api_path_part == "retrieve_most_recent_object_test"
    error_message = "The path must have the environment in it."
  }
}

run "the_deployer_is_an_operator_by_its_role" {
  command = plan

  assert {
    condition = output.operator_arns == tolist([
      "arn:aws:iam::111122223333:role/operator", "arn:aws:iam::111122223333:role/deployer",
    ])
    error_message = "The key must name the role: a session ends."
  }
}

run "the_schedule_runs_in_one_region_at_a_time" {
  command = plan

  variables {
    failed_over = true
  }

  assert {
    condition     = !local.writes_here && local.writes_there
    error_message = "After a failover the other region must write, and it alone."
  }
}

run "the_clients_name_leads_home" {
  command = plan

  override_module {
    target          = module.domain
    override_during = plan
    outputs         = { target = { name = "home.example.com", zone_id = "ZHOME" } }
  }
  override_module {
    target          = module.standby_domain
    override_during = plan
    outputs         = { target = { name = "standby.example.com", zone_id = "ZSTANDBY" } }
  }

  variables {
    domain = { name = "latest.example.com", zone_id = "Z0123456789" }
  }

  assert {
    condition     = one(aws_route53_record.public[0].alias).name == "home.example.com"
    error_message = "Clients must reach the region that writes."
  }
}

run "after_a_failover_the_clients_name_leads_to_the_standby" {
  command = plan

  override_module {
    target          = module.domain
    override_during = plan
    outputs         = { target = { name = "home.example.com", zone_id = "ZHOME" } }
  }
  override_module {
    target          = module.standby_domain
    override_during = plan
    outputs         = { target = { name = "standby.example.com", zone_id = "ZSTANDBY" } }
  }

  variables {
    domain      = { name = "latest.example.com", zone_id = "Z0123456789" }
    failed_over = true
  }

  assert {
    condition     = one(aws_route53_record.public[0].alias).name == "standby.example.com" && one(aws_route53_record.public[0].alias).zone_id == "ZSTANDBY"
    error_message = "The one variable must move the clients, too."
  }
}

run "deletion_protection_protects_from_a_destroy" {
  command = plan

  variables {
    deletion_protection = true
  }

  assert {
    condition     = length(terraform_data.protected) == 1
    error_message = "Something must stop a destroy before it begins."
  }
}

run "names_without_letters_are_refused" {
  command = plan

  variables {
    project     = "A"
    environment = "pre-prod"
    bucket_name = "a.bucket"
  }

  expect_failures = [var.project, var.environment, var.bucket_name]
}

run "a_failover_to_nowhere_is_refused" {
  command = plan

  variables {
    replica_region = null
    failed_over    = true
  }

  expect_failures = [var.failed_over]
}

run "a_gradual_deployment_without_alarms_is_refused" {
  command = plan

  variables {
    gradual_deployment = "CodeDeployDefault.LambdaAllAtOnce"
  }

  expect_failures = [var.gradual_deployment]
}

run "a_schedule_too_slow_to_be_watched_is_refused" {
  command = plan

  variables {
    monitoring_enabled  = true
    alarm_emails        = ["ops@example.com"]
    schedule_expression = "rate(25 hours)"
  }

  expect_failures = [var.schedule_expression]
}

run "other_values_that_make_no_sense_are_refused" {
  command = plan

  variables {
    retention  = { superseded_days = 0, noncurrent_days = 1 }
    lambda_zip = "missing.zip"
    log_level  = "LOUD"
  }

  expect_failures = [var.retention, var.lambda_zip, var.log_level]
}
