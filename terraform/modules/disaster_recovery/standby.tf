# A read API that is always there.
module "iam" {
  source    = "../iam"
  providers = { aws = aws.replica }

  context = local.there
  reader  = { role_name = "${var.reader.function_name}_standby", function_name = var.reader.function_name }
  writer = {
    role_name             = "${var.writer.function_name}_standby"
    function_name         = var.writer.function_name
    dead_letter_queue_arn = module.create_function.dead_letter_queue_arn
  }
  bucket_name              = local.bucket_name
  object_prefix            = var.object_prefix
  index_prefix             = var.index_prefix
  pointer_key              = var.pointer_key
  kms_key_arn              = module.kms.key_arn
  tracing_enabled          = var.tracing_enabled
  permissions_boundary_arn = var.permissions_boundary_arn
}

module "retrieve_function" {
  source    = "../lambda"
  providers = { aws = aws.replica }

  context               = local.there
  function_name         = var.reader.function_name
  description           = "Reads the most recent replica"
  handler               = var.reader.handler
  role_arn              = module.iam.reader_role_arn
  code                  = module.s3.code
  architecture          = var.reader.architecture
  timeout_seconds       = var.reader.timeout_seconds
  environment_variables = merge(var.reader.environment_variables, { BUCKET_NAME = local.bucket_name })
  tracing_enabled       = var.tracing_enabled
  log_retention_days    = var.log_retention_days
  log_kms_key_arn       = module.kms.usable_key_arn
}

module "api_gateway" {
  source    = "../api_gateway"
  providers = { aws = aws.replica }

  context                  = local.there
  name                     = var.name
  stage_name               = var.api.stage_name
  path_part                = var.api.path_part
  invoke_arn               = module.retrieve_function.invoke_arn
  function_name            = module.retrieve_function.function_name
  alias_name               = module.retrieve_function.alias_name
  authorization            = var.api.authorization
  api_key_required         = var.api.api_key_required
  api_key                  = var.api_key # a client's key is good in both regions
  throttling               = var.api.throttling
  permissions_boundary_arn = var.permissions_boundary_arn
  tracing_enabled          = var.tracing_enabled

  access_logs = var.api.access_logs_enabled ? {
    retention_days       = var.log_retention_days
    kms_key_arn          = module.kms.usable_key_arn
    account_role_managed = var.api.account_role_managed
  } : null
}
