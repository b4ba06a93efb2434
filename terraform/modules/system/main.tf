# Terraform destroys all that does not depend on what it fails to destroy. So a destroy must not begin.
resource "terraform_data" "protected" {
  count = var.deletion_protection ? 1 : 0

  lifecycle {
    prevent_destroy = true
  }
}

module "iam" {
  source = "../iam"

  context                  = local.context
  reader                   = { role_name = local.reader_name, function_name = local.reader_name }
  bucket_name              = local.bucket_name
  object_prefix            = local.object_prefix
  index_prefix             = local.index_prefix
  pointer_key              = local.pointer_key
  kms_key_arn              = module.kms.key_arn
  tracing_enabled          = var.tracing_enabled
  permissions_boundary_arn = var.permissions_boundary_arn

  writer = {
    role_name             = local.writer_name
    function_name         = local.writer_name
    dead_letter_queue_arn = module.create_function.dead_letter_queue_arn
  }
}

module "kms" {
  source = "../kms"

  context              = local.context
  name                 = local.name
  description          = "Objects and logs of ${local.name}"
  writer_role_arns     = [module.iam.writer_role_arn]
  reader_role_arns     = concat([module.iam.reader_role_arn], local.replication_role_arns)
  operator_arns        = local.operator_arns
  replicator_role_arns = local.replication_role_arns # back from where they were replicated to
  log_group_names = [
    "/aws/lambda/${local.writer_name}", "/aws/lambda/${local.reader_name}", "/aws/apigateway/${local.name}",
  ]
  rotation_enabled     = var.kms_rotation_enabled
  deletion_window_days = var.kms_deletion_window_days
}

module "s3" {
  source = "../s3"

  context               = local.context
  bucket_name           = local.bucket_name
  artifacts_bucket_name = local.code_bucket_name
  code_zip              = var.lambda_zip
  object_prefix         = local.object_prefix
  pointer_key           = local.pointer_key
  kms_key_arn           = module.kms.key_arn
  retention             = var.retention
  access_logs           = var.access_logs_enabled ? { bucket_name = local.logs_bucket_name } : null
  force_destroy         = var.force_destroy
}

module "create_function" {
  source = "../lambda"

  context                    = local.context
  function_name              = local.writer_name
  description                = "Writes an encrypted timestamp"
  handler                    = "s3_lambda_api.writer.handler"
  role_arn                   = module.iam.writer_role_arn
  code                       = module.s3.code
  live_version               = var.create_live_version
  gradual_deployment_enabled = var.gradual_deployment != null
  architecture               = var.architecture
  timeout_seconds            = var.create_timeout_seconds
  reserved_concurrency       = var.create_reserved_concurrency
  tracing_enabled            = var.tracing_enabled
  async_invocation           = {}

  dead_letter_queue_enabled = var.dead_letter_queues_enabled
  log_retention_days        = var.log_retention_days
  log_kms_key_arn           = module.kms.usable_key_arn

  environment_variables = merge(local.function_environment, {
    KMS_KEY_ARN             = module.kms.key_arn
    POWERTOOLS_SERVICE_NAME = local.writer_name
  })
}

module "retrieve_function" {
  source = "../lambda"

  context                    = local.context
  function_name              = local.reader_name
  description                = "Reads the most recent object"
  handler                    = "s3_lambda_api.reader.handler"
  role_arn                   = module.iam.reader_role_arn
  code                       = module.s3.code
  live_version               = var.retrieve_live_version
  gradual_deployment_enabled = var.gradual_deployment != null
  architecture               = var.architecture
  timeout_seconds            = var.retrieve_timeout_seconds
  reserved_concurrency       = var.retrieve_reserved_concurrency
  tracing_enabled            = var.tracing_enabled
  log_retention_days         = var.log_retention_days
  log_kms_key_arn            = module.kms.usable_key_arn

  environment_variables = merge(local.function_environment, {
    POWERTOOLS_SERVICE_NAME = local.reader_name
  })
}

module "api_gateway" {
  source = "../api_gateway"

  context                  = local.context
  name                     = local.name
  stage_name               = var.environment
  path_part                = local.api_path_part
  invoke_arn               = module.retrieve_function.invoke_arn
  function_name            = module.retrieve_function.function_name
  alias_name               = module.retrieve_function.alias_name
  authorization            = var.api_authorization
  api_key_required         = var.api_key_required
  throttling               = var.api_throttling
  tracing_enabled          = var.tracing_enabled
  permissions_boundary_arn = var.permissions_boundary_arn

  access_logs = var.access_logs_enabled ? {
    retention_days       = var.log_retention_days
    kms_key_arn          = module.kms.usable_key_arn
    account_role_managed = var.api_account_role_managed
  } : null
}

module "eventbridge" {
  source = "../eventbridge"

  context                  = local.context
  name                     = local.writer_name
  scheduler                = var.scheduler
  schedule_expression      = var.schedule_expression
  schedule_enabled         = local.writes_here
  event_bus_name           = var.event_bus_name
  event_source             = local.event_source
  event_detail_type        = local.event_detail_type
  function_name            = module.create_function.function_name
  alias_name               = module.create_function.alias_name
  alias_arn                = module.create_function.alias_arn
  permissions_boundary_arn = var.permissions_boundary_arn

  dead_letter_queue_enabled = var.dead_letter_queues_enabled
}

module "monitoring" {
  source = "../monitoring"
  count  = var.monitoring_enabled ? 1 : 0

  context      = local.context
  name         = local.name
  kms_key_arn  = module.kms.key_arn
  alarm_emails = var.alarm_emails
  api          = { name = local.name, stage = var.environment, throttled = module.api_gateway.throttled_metric }
  rule_names   = compact([module.eventbridge.on_demand_rule_name, module.eventbridge.schedule_rule_name])

  functions = {
    create = {
      name             = local.writer_name
      timeout_seconds  = var.create_timeout_seconds
      interval_seconds = module.eventbridge.schedule_interval_seconds
      asynchronous     = true
    }
    retrieve = { name = local.reader_name, timeout_seconds = var.retrieve_timeout_seconds }
  }

  freshness = merge(local.objects_written, {
    interval_seconds = module.eventbridge.schedule_interval_seconds
    alarm_enabled    = local.writes_here
  })

  reads = local.reads

  dead_letter_queue_names = compact([
    module.create_function.dead_letter_queue_name, module.eventbridge.dead_letter_queue_name,
  ])

  replication = var.replica_region == null ? null : {
    source_bucket      = local.bucket_name
    destination_bucket = module.disaster_recovery[0].replica_bucket_name
    rule_id            = module.disaster_recovery[0].replication_rule_id
  }
}

module "gradual_deployment" {
  source = "../gradual_deployment"
  count  = var.gradual_deployment == null ? 0 : 1

  context                  = local.context
  name                     = local.name
  deployment_config        = var.gradual_deployment
  permissions_boundary_arn = var.permissions_boundary_arn

  functions = {
    create = {
      name              = local.writer_name
      alias_name        = module.create_function.alias_name
      live_version      = module.create_function.live_version
      published_version = module.create_function.published_version
      alarm_names       = [module.monitoring[0].alarm_names.create_errors]
    }
    # The reader answers with 5XX where it fails, and raises nothing.
    retrieve = {
      name              = local.reader_name
      alias_name        = module.retrieve_function.alias_name
      live_version      = module.retrieve_function.live_version
      published_version = module.retrieve_function.published_version
      alarm_names       = [for symptom in ["retrieve_errors", "api_errors"] : module.monitoring[0].alarm_names[symptom]]
    }
  }
}

module "disaster_recovery" {
  source    = "../disaster_recovery"
  count     = var.replica_region == null ? 0 : 1
  providers = { aws = aws, aws.replica = aws.replica }

  context                  = local.context
  replica_region           = var.replica_region
  name                     = local.name
  bucket_stem              = local.bucket_stem
  source_bucket_name       = module.s3.bucket_name
  source_kms_key_arn       = module.kms.key_arn
  object_prefix            = local.object_prefix
  index_prefix             = local.index_prefix
  pointer_key              = local.pointer_key
  code_zip                 = var.lambda_zip
  retention                = var.retention
  access_logs_enabled      = var.access_logs_enabled
  log_retention_days       = var.log_retention_days
  tracing_enabled          = var.tracing_enabled
  force_destroy            = var.force_destroy
  operator_arns            = local.operator_arns
  kms_deletion_window_days = var.kms_deletion_window_days
  permissions_boundary_arn = var.permissions_boundary_arn

  reader = {
    function_name         = local.reader_name
    handler               = "s3_lambda_api.reader.handler"
    architecture          = var.architecture
    timeout_seconds       = var.retrieve_timeout_seconds
    environment_variables = merge(local.function_environment, { POWERTOOLS_SERVICE_NAME = local.reader_name })
  }

  writer = {
    function_name         = local.writer_name
    handler               = "s3_lambda_api.writer.handler"
    architecture          = var.architecture
    timeout_seconds       = var.create_timeout_seconds
    environment_variables = merge(local.function_environment, { POWERTOOLS_SERVICE_NAME = local.writer_name })
  }

  events = {
    scheduler           = var.scheduler
    schedule_expression = var.schedule_expression
    schedule_enabled    = local.writes_there
    bus_name            = var.event_bus_name
    source              = local.event_source
    detail_type         = local.event_detail_type
  }

  dead_letter_queues_enabled = var.dead_letter_queues_enabled
  monitoring                 = var.monitoring_enabled ? { alarm_emails = var.alarm_emails, freshness = local.objects_written, reads = local.reads } : null
  api_key                    = module.api_gateway.api_key

  api = {
    stage_name           = var.environment
    path_part            = local.api_path_part
    authorization        = var.api_authorization
    api_key_required     = var.api_key_required
    throttling           = var.api_throttling
    access_logs_enabled  = var.access_logs_enabled
    account_role_managed = var.api_account_role_managed
  }
}
