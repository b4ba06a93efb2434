data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

# The role behind a session: a key policy that names a session would hold for that session alone. The provider asks IAM for
# the role, so whoever applies needs iam:GetRole on it, which is too much to ask for nothing.
data "aws_iam_session_context" "deployer" {
  count = var.deployer_is_operator ? 1 : 0

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

  # What the reader tells of each answer.
  reads = { namespace = local.name, dimensions = { service = local.reader_name } }

  # Writes in one region at a time.
  writes_here  = var.schedule_enabled && !var.failed_over
  writes_there = var.schedule_enabled && var.failed_over

  # By index, not by splat, which would wait for everything that the module makes.
  replication_role_arns = var.replica_region == null ? [] : [module.disaster_recovery[0].replication_role_arn]

  # The account's root is no operator: naming it would let IAM give the key to anybody.
  deployer_arns = [for arn in data.aws_iam_session_context.deployer[*].issuer_arn : arn if !endswith(arn, ":root")]
  operator_arns = distinct(concat(var.operator_arns, local.deployer_arns))

  code_bucket_name = "${local.bucket_stem}-${var.region}-code"
  logs_bucket_name = "${local.bucket_stem}-${var.region}-logs"

  function_environment = merge(var.function_environment, {
    BUCKET_NAME                  = local.bucket_name
    BUCKET_OWNER                 = local.context.account_id
    SCHEDULE_INTERVAL_SECONDS    = module.eventbridge.schedule_interval_seconds
    POWERTOOLS_METRICS_NAMESPACE = local.name
    POWERTOOLS_LOG_LEVEL         = var.log_level
  })
}
