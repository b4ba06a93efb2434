data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

# The role behind a session: a key policy that names a session would hold for that session alone.
data "aws_iam_session_context" "deployer" {
  arn = data.aws_caller_identity.current.arn
}

locals {
  context = {
    account_id = data.aws_caller_identity.current.account_id
    partition  = data.aws_partition.current.partition
    region     = var.region
    dns_suffix = data.aws_partition.current.dns_suffix
  }

  name          = "${replace(var.project, "-", "_")}_${var.environment}"
  bucket_stem   = "${var.project}-${var.environment}-${local.context.account_id}"
  bucket_name   = coalesce(var.bucket_name, "${local.bucket_stem}-${var.region}")
  writer_name   = "create_encrypted_timestamp_${var.environment}"
  reader_name   = "retrieve_most_recent_object_${var.environment}"
  api_path_part = coalesce(var.api_path_part, local.reader_name)
  object_prefix = "hello_world_" # the code of the functions fixes these three
  index_prefix  = "by_newest/"
  pointer_key   = "latest.json"

  event_source      = "${replace(var.project, "-", "_")}.${var.environment}"
  event_detail_type = "Create Encrypted Timestamp"

  # The function counts the objects it creates; a second delivery of an event does not count.
  objects_written = { namespace = local.name, metric = "ObjectsWritten", dimensions = { service = local.writer_name } }

  # Writes in one region at a time.
  writes_here  = var.schedule_enabled && !var.failed_over
  writes_there = var.schedule_enabled && var.failed_over

  # By index, not by splat, which would wait for everything that the module makes.
  replication_role_arns = var.replica_region == null ? [] : [module.disaster_recovery[0].replication_role_arn]

  # The account's root is no operator: naming it would let IAM give the key to anybody.
  deployer_arn  = data.aws_iam_session_context.deployer.issuer_arn
  deployer_arns = var.deployer_is_operator && !endswith(local.deployer_arn, ":root") ? [local.deployer_arn] : []
  operator_arns = distinct(concat(var.operator_arns, local.deployer_arns))

  code_bucket_name = "${local.bucket_stem}-${var.region}-code"
  logs_bucket_name = "${local.bucket_stem}-${var.region}-logs"

  function_environment = merge(var.function_environment, {
    BUCKET_NAME                  = local.bucket_name
    SCHEDULE_INTERVAL_SECONDS    = module.eventbridge.schedule_interval_seconds
    POWERTOOLS_METRICS_NAMESPACE = local.name
    POWERTOOLS_LOG_LEVEL         = var.log_level
  })
}

# Terraform destroys all that does not depend on what it fails to destroy. So a destroy must not begin.
resource "terraform_data" "protected" {
  count = var.deletion_protection ? 1 : 0

  lifecycle {
    prevent_destroy = true
  }
}

module "iam" {
  source = "../../modules/iam"

  context         = local.context
  reader          = { role_name = local.reader_name, function_name = local.reader_name }
  bucket_name     = local.bucket_name
  object_prefix   = local.object_prefix
  index_prefix    = local.index_prefix
  pointer_key     = local.pointer_key
  kms_key_arn     = module.kms.key_arn
  tracing_enabled = var.tracing_enabled

  writer = {
    role_name             = local.writer_name
    function_name         = local.writer_name
    dead_letter_queue_arn = module.create_function.dead_letter_queue_arn
  }
}

module "kms" {
  source = "../../modules/kms"

  context              = local.context
  name                 = local.name
  description          = "Objects and logs of ${local.name}"
  writer_role_arns     = [module.iam.writer_role_arn]
  reader_role_arns     = concat([module.iam.reader_role_arn], local.replication_role_arns)
  operator_arns        = local.operator_arns
  replicator_role_arns = local.replication_role_arns # back from where they were replicated to
  publisher_services   = var.monitoring_enabled ? ["cloudwatch.amazonaws.com"] : []
  log_group_names = [
    "/aws/lambda/${local.writer_name}", "/aws/lambda/${local.reader_name}", "/aws/apigateway/${local.name}",
  ]
  rotation_enabled     = var.kms_rotation_enabled
  deletion_window_days = var.kms_deletion_window_days
}

module "s3" {
  source = "../../modules/s3"

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
  source = "../../modules/lambda"

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
  source = "../../modules/lambda"

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
  source = "../../modules/api_gateway"

  context          = local.context
  name             = local.name
  stage_name       = var.environment
  path_part        = local.api_path_part
  invoke_arn       = module.retrieve_function.invoke_arn
  function_name    = module.retrieve_function.function_name
  alias_name       = module.retrieve_function.alias_name
  authorization    = var.api_authorization
  api_key_required = var.api_key_required
  throttling       = var.api_throttling
  tracing_enabled  = var.tracing_enabled

  access_logs = var.access_logs_enabled ? {
    retention_days       = var.log_retention_days
    kms_key_arn          = module.kms.usable_key_arn
    account_role_managed = var.api_account_role_managed
  } : null
}

module "eventbridge" {
  source = "../../modules/eventbridge"

  context             = local.context
  name                = local.writer_name
  scheduler           = var.scheduler
  schedule_expression = var.schedule_expression
  schedule_enabled    = local.writes_here
  event_bus_name      = var.event_bus_name
  event_source        = local.event_source
  event_detail_type   = local.event_detail_type
  function_name       = module.create_function.function_name
  alias_name          = module.create_function.alias_name
  alias_arn           = module.create_function.alias_arn

  dead_letter_queue_enabled = var.dead_letter_queues_enabled
}

module "monitoring" {
  source = "../../modules/monitoring"
  count  = var.monitoring_enabled ? 1 : 0

  context      = local.context
  name         = local.name
  kms_key_arn  = module.kms.usable_key_arn
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
  source = "../../modules/gradual_deployment"
  count  = var.gradual_deployment == null ? 0 : 1

  context           = local.context
  name              = local.name
  deployment_config = var.gradual_deployment

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
  source    = "../../modules/disaster_recovery"
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
  monitoring                 = var.monitoring_enabled ? { alarm_emails = var.alarm_emails, freshness = local.objects_written } : null
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

# The name that clients use, if there is one. Both regions can serve it; the record says which one does.
module "domain" {
  source = "../../modules/domain"
  count  = var.domain == null ? 0 : 1

  domain_name = var.domain.name
  zone_id     = var.domain.zone_id
  api_id      = module.api_gateway.api_id
  stage_name  = module.api_gateway.stage_name
}

module "standby_domain" {
  source    = "../../modules/domain"
  count     = var.domain == null || var.replica_region == null ? 0 : 1
  providers = { aws = aws.replica }

  domain_name = var.domain.name
  zone_id     = var.domain.zone_id
  api_id      = module.disaster_recovery[0].standby_api_id
  stage_name  = module.disaster_recovery[0].standby_api_stage
}

resource "aws_route53_record" "public" {
  count = var.domain == null ? 0 : 1

  zone_id = var.domain.zone_id
  name    = var.domain.name
  type    = "A"

  alias {
    name                   = local.serving.name
    zone_id                = local.serving.zone_id
    evaluate_target_health = false # which region serves is a decision, and the writer follows it
  }
}

locals {
  serving = one(var.failed_over ? module.standby_domain[*].target : module.domain[*].target)
}
