# Mocked: the point is which part refers to which.
mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/mocked" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

mock_provider "aws" {
  alias = "replica"

  mock_resource "aws_api_gateway_rest_api" {
    defaults = { id = "standby", execution_arn = "arn:aws:execute-api:eu-west-1:111122223333:standby" }
  }
  mock_resource "aws_api_gateway_resource" {
    defaults = { path = "/latest" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-west-1:111122223333:key/replica" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::stem-eu-west-1" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-west-1:111122223333:rule/mocked" }
  }
  mock_resource "aws_lambda_alias" {
    defaults = { arn = "arn:aws:lambda:eu-west-1:111122223333:function:create_prod:live" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-west-1:111122223333:alarms" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:111122223333:log-group:mocked" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/mocked" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  context            = { account_id = "111122223333", partition = "aws", region = "eu-north-1", dns_suffix = "amazonaws.com" }
  replica_region     = "eu-west-1"
  name               = "s3_lambda_api_prod"
  bucket_stem        = "stem"
  source_bucket_name = "objects"
  source_kms_key_arn = "arn:aws:kms:eu-north-1:111122223333:key/k"
  object_prefix      = "hello_world_"
  index_prefix       = "by_newest/"
  pointer_key        = "latest.json"
  code_zip           = "tests/code.txt" # any file will do
  writer             = { function_name = "create_prod", handler = "package.writer.handler", architecture = "arm64", timeout_seconds = 15, environment_variables = { BUCKET_NAME = "objects" } }
  events             = { scheduler = "rule", schedule_expression = "rate(10 minutes)", schedule_enabled = false, bus_name = "default", source = "s3_lambda_api.prod", detail_type = "Create" }
  reader             = { function_name = "retrieve_prod", handler = "package.reader.handler", architecture = "arm64", timeout_seconds = 10, environment_variables = { BUCKET_NAME = "objects" } }

  api = {
    stage_name           = "prod"
    path_part            = "latest"
    authorization        = "NONE"
    api_key_required     = false
    throttling           = { rate_per_second = 50, burst = 100 }
    access_logs_enabled  = true
    account_role_managed = true
  }
}

run "replicates_encrypted_objects_under_the_other_key" {
  command = apply

  providers = {
    aws         = aws
    aws.replica = aws.replica
  }

  assert {
    condition     = one(one(one(aws_s3_bucket_replication_configuration.this.rule).source_selection_criteria).sse_kms_encrypted_objects).status == "Enabled"
    error_message = "Without this S3 leaves out encrypted objects: all of them."
  }

  assert {
    condition     = one(one(one(aws_s3_bucket_replication_configuration.this.rule).destination).encryption_configuration).replica_kms_key_id == "arn:aws:kms:eu-west-1:111122223333:key/replica"
    error_message = "Replicas must be encrypted with the key of their region."
  }

  assert {
    condition     = one(one(one(aws_s3_bucket_replication_configuration.this.rule).destination).metrics).status == "Enabled"
    error_message = "The lag must be measured."
  }

  assert {
    condition     = one(one(aws_s3_bucket_replication_configuration.this.rule).delete_marker_replication).status == "Disabled"
    error_message = "A deletion by mistake must not spread."
  }

  assert {
    condition     = output.standby_api_url == "https://standby.execute-api.eu-west-1.amazonaws.com/prod/latest"
    error_message = "The standby API must be in the other region."
  }

  assert {
    condition     = output.replica_bucket_name != null && local.bucket_name == "stem-eu-west-1"
    error_message = "The bucket's name must have the other region in it."
  }
}

run "replicates_back_what_the_standby_writes" {
  command = apply

  providers = {
    aws         = aws
    aws.replica = aws.replica
  }

  assert {
    condition     = one(one(aws_s3_bucket_replication_configuration.back.rule).destination).bucket == "arn:aws:s3:::objects"
    error_message = "What is written while home fails must come home."
  }

  assert {
    condition     = one(one(one(aws_s3_bucket_replication_configuration.back.rule).destination).encryption_configuration).replica_kms_key_id == "arn:aws:kms:eu-north-1:111122223333:key/k"
    error_message = "At home, home's key encrypts."
  }

  assert {
    condition     = output.schedule_name == "create_prod_standby_schedule"
    error_message = "The standby's schedule must be there before it is needed, and its name must leave home's role its own."
  }
}

run "takes_the_key_that_clients_have_already" {
  command = apply

  providers = {
    aws         = aws
    aws.replica = aws.replica
  }

  variables {
    api_key = "a-key-of-more-than-twenty-characters"
    api = {
      stage_name           = "prod"
      path_part            = "latest"
      authorization        = "NONE"
      api_key_required     = true
      throttling           = { rate_per_second = 50, burst = 100 }
      access_logs_enabled  = false
      account_role_managed = false
    }
  }

  assert {
    condition     = module.api_gateway.api_key == "a-key-of-more-than-twenty-characters"
    error_message = "Nobody can hand out new keys in a disaster."
  }
}

run "is_watched_in_its_own_region" {
  command = apply

  providers = {
    aws         = aws
    aws.replica = aws.replica
  }

  variables {
    monitoring = { alarm_emails = ["on-call@example.com"], freshness = { namespace = "n", metric = "ObjectsWritten", dimensions = { service = "create_prod" } }, reads = { namespace = "n", dimensions = { service = "retrieve_prod" } } }
  }

  assert {
    condition     = output.alarm_topic_arn == "arn:aws:sns:eu-west-1:111122223333:alarms"
    error_message = "Alarms at home go down with what they watch."
  }
}

run "refuses_its_own_region" {
  command = plan

  providers = {
    aws         = aws
    aws.replica = aws.replica
  }

  variables {
    replica_region = "eu-north-1"
  }

  expect_failures = [var.replica_region]
}

run "refuses_a_region_that_is_none" {
  command = plan

  providers = {
    aws         = aws
    aws.replica = aws.replica
  }

  variables {
    replica_region = "null"
  }

  expect_failures = [var.replica_region]
}

run "refuses_a_name_too_long_for_the_role" {
  command = plan

  providers = {
    aws         = aws
    aws.replica = aws.replica
  }

  variables {
    name = "a_name_that_leaves_no_room_for_the_rest_of_the_roles_s"
  }

  expect_failures = [var.name]
}

run "refuses_a_stem_that_no_region_fits_behind" {
  command = plan

  providers = {
    aws         = aws
    aws.replica = aws.replica
  }

  variables {
    bucket_stem = "a-stem-that-leaves-no-room-for-region-and-pur"
  }

  expect_failures = [var.bucket_stem]
}

run "refuses_what_cannot_be_replicated" {
  command = plan

  providers = {
    aws         = aws
    aws.replica = aws.replica
  }

  variables {
    context             = { account_id = "1", partition = "aws", region = "eu-north-1", dns_suffix = "amazonaws.com" }
    source_bucket_name  = "objects/*"
    replica_bucket_name = "a.replica"
    source_kms_key_arn  = "arn:aws:kms:eu-north-1:111122223333:alias/k"
  }

  expect_failures = [var.context, var.source_bucket_name, var.replica_bucket_name, var.source_kms_key_arn]
}

run "refuses_expiry_at_once" {
  command = plan

  providers = {
    aws         = aws
    aws.replica = aws.replica
  }

  variables {
    retention = { superseded_days = 0, noncurrent_days = 1 }
  }

  expect_failures = [var.retention]
}
