# A writer that is there before the disaster: to fail over is to turn on its schedule, and no role has to be made for that.
module "create_function" {
  source    = "../lambda"
  providers = { aws = aws.replica }

  context                   = local.there
  function_name             = var.writer.function_name
  description               = "Writes an encrypted timestamp while the other region fails"
  handler                   = var.writer.handler
  role_arn                  = module.iam.writer_role_arn
  code                      = module.s3.code
  architecture              = var.writer.architecture
  timeout_seconds           = var.writer.timeout_seconds
  async_invocation          = {}
  dead_letter_queue_enabled = var.dead_letter_queues_enabled
  tracing_enabled           = var.tracing_enabled
  log_retention_days        = var.log_retention_days
  log_kms_key_arn           = module.kms.usable_key_arn

  environment_variables = merge(var.writer.environment_variables, {
    BUCKET_NAME = local.bucket_name
    KMS_KEY_ARN = module.kms.key_arn
  })
}

module "eventbridge" {
  source    = "../eventbridge"
  providers = { aws = aws.replica }

  context                   = local.there
  name                      = "${var.writer.function_name}_standby" # roles are not regional
  scheduler                 = var.events.scheduler
  schedule_expression       = var.events.schedule_expression
  schedule_enabled          = var.events.schedule_enabled
  event_bus_name            = var.events.bus_name
  event_source              = var.events.source
  event_detail_type         = var.events.detail_type
  function_name             = module.create_function.function_name
  alias_name                = module.create_function.alias_name
  alias_arn                 = module.create_function.alias_arn
  permissions_boundary_arn  = var.permissions_boundary_arn
  dead_letter_queue_enabled = var.dead_letter_queues_enabled
}

# Alarms of their own region: those at home go down with what they watch.
module "monitoring" {
  source    = "../monitoring"
  count     = var.monitoring == null ? 0 : 1
  providers = { aws = aws.replica }

  context      = local.there
  name         = "${var.name}_standby" # dashboards are not regional
  kms_key_arn  = module.kms.key_arn
  alarm_emails = var.monitoring.alarm_emails
  api          = { name = var.name, stage = var.api.stage_name, throttled = module.api_gateway.throttled_metric }
  rule_names   = compact([module.eventbridge.on_demand_rule_name, module.eventbridge.schedule_rule_name])

  functions = {
    create = {
      name             = var.writer.function_name
      timeout_seconds  = var.writer.timeout_seconds
      asynchronous     = true
      interval_seconds = module.eventbridge.schedule_interval_seconds
    }
    retrieve = { name = var.reader.function_name, timeout_seconds = var.reader.timeout_seconds }
  }

  freshness = merge(var.monitoring.freshness, {
    interval_seconds = module.eventbridge.schedule_interval_seconds
    alarm_enabled    = var.events.schedule_enabled
  })

  reads = var.monitoring.reads

  dead_letter_queue_names = compact([
    module.create_function.dead_letter_queue_name, module.eventbridge.dead_letter_queue_name,
  ])
}
