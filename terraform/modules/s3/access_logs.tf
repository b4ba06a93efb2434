# Who asked the objects' bucket for what. S3 delivers its logs only to a bucket encrypted with the key that S3 manages.
resource "aws_s3_bucket" "logs" {
  # checkov:skip=CKV_AWS_144:logs stay in the region they are about
  # checkov:skip=CKV_AWS_145:S3 delivers access logs to no bucket that another key encrypts
  # checkov:skip=CKV2_AWS_62:nothing has to happen when a log arrives

  count = local.logs

  bucket        = var.access_logs.bucket_name
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_logging" "objects" {
  count = local.logs

  bucket        = aws_s3_bucket.objects.id
  target_bucket = aws_s3_bucket.logs[0].id
  target_prefix = "${var.bucket_name}/"
  depends_on    = [aws_s3_bucket_policy.logs]
}

resource "aws_s3_bucket_public_access_block" "logs" {
  count = local.logs

  bucket                  = aws_s3_bucket.logs[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "logs" {
  count = local.logs

  bucket = aws_s3_bucket.logs[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "logs" {
  count = local.logs

  bucket = aws_s3_bucket.logs[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  count = local.logs

  bucket = aws_s3_bucket.logs[0].id

  rule {
    id     = "expire-logs"
    status = "Enabled"

    filter {}
    expiration {
      days = var.access_logs.retention_days
    }
    noncurrent_version_expiration {
      noncurrent_days = 1
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.logs]
}

resource "aws_s3_bucket_policy" "logs" {
  count = local.logs

  bucket     = aws_s3_bucket.logs[0].id
  policy     = data.aws_iam_policy_document.logs[0].json
  depends_on = [aws_s3_bucket_public_access_block.logs]
}

data "aws_iam_policy_document" "logs" {
  count = local.logs

  statement {
    sid       = "DeliverLogs"
    actions   = ["s3:PutObject"]
    resources = ["${local.logs_arn}/*"]

    principals {
      type        = "Service"
      identifiers = ["logging.s3.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.bucket_arn]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.context.account_id]
    }
  }

  statement {
    sid       = "DenyPlainHttp"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [local.logs_arn, "${local.logs_arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

locals {
  logs     = var.access_logs == null ? 0 : 1
  logs_arn = "arn:${var.context.partition}:s3:::${try(var.access_logs.bucket_name, "")}"
}
