locals {
  bucket     = "arn:${var.context.partition}:s3:::${var.bucket_name}"
  objects    = "${local.bucket}/${var.object_prefix}*"
  index      = "${local.bucket}/${var.index_prefix}*"
  pointer    = "${local.bucket}/${var.pointer_key}"
  via_s3     = "s3.${var.context.region}.${var.context.dns_suffix}"
  log_groups = "arn:${var.context.partition}:logs:${var.context.region}:${var.context.account_id}:log-group:/aws/lambda"
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}
