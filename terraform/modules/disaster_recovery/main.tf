locals {
  rule_id     = "replicate-everything" # there, and back again
  there       = merge(var.context, { region = var.replica_region })
  source_arn  = "arn:${var.context.partition}:s3:::${var.source_bucket_name}"
  replica_arn = "arn:${var.context.partition}:s3:::${local.bucket_name}"
  bucket_name = coalesce(var.replica_bucket_name, "${var.bucket_stem}-${var.replica_region}")
}

# The same modules as at home, told of the other region.
module "kms" {
  source    = "../kms"
  providers = { aws = aws.replica }

  context              = local.there
  name                 = var.name
  description          = "Replicas and logs of ${var.name}"
  writer_role_arns     = [module.iam.writer_role_arn]
  reader_role_arns     = [module.iam.reader_role_arn, aws_iam_role.replication.arn]
  replicator_role_arns = [aws_iam_role.replication.arn]
  operator_arns        = var.operator_arns
  log_group_names = [
    "/aws/lambda/${var.writer.function_name}", "/aws/lambda/${var.reader.function_name}", "/aws/apigateway/${var.name}",
  ]
  deletion_window_days = var.kms_deletion_window_days
}

module "s3" {
  source    = "../s3"
  providers = { aws = aws.replica }

  context               = local.there
  bucket_name           = local.bucket_name
  artifacts_bucket_name = "${var.bucket_stem}-${var.replica_region}-code"
  code_zip              = var.code_zip
  object_prefix         = var.object_prefix
  pointer_key           = var.pointer_key
  kms_key_arn           = module.kms.key_arn
  retention             = var.retention
  access_logs           = var.access_logs_enabled ? { bucket_name = "${var.bucket_stem}-${var.replica_region}-logs" } : null
  force_destroy         = var.force_destroy
}
