# The functions' code, apart from the objects: here a list of the objects' bucket shows objects only. Encrypted with the
# key that S3 manages, so that an upload does not wait for ours: the code is not secret.
resource "aws_s3_bucket" "artifacts" {
  bucket        = var.artifacts_bucket_name
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_public_access_block" "artifacts" {
  bucket                  = aws_s3_bucket.artifacts.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "artifacts" {
  count = var.retention == null ? 0 : 1

  bucket = aws_s3_bucket.artifacts.id

  rule {
    id     = "expire-replaced"
    status = "Enabled"

    filter {}
    noncurrent_version_expiration {
      noncurrent_days = var.retention.noncurrent_days
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.artifacts]
}

resource "aws_s3_bucket_policy" "artifacts" {
  bucket     = aws_s3_bucket.artifacts.id
  policy     = data.aws_iam_policy_document.artifacts.json
  depends_on = [aws_s3_bucket_public_access_block.artifacts]
}

data "aws_iam_policy_document" "artifacts" {
  statement {
    sid     = "DenyPlainHttp"
    effect  = "Deny"
    actions = ["s3:*"]
    resources = [
      "arn:${var.context.partition}:s3:::${var.artifacts_bucket_name}",
      "arn:${var.context.partition}:s3:::${var.artifacts_bucket_name}/*",
    ]

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

# The key names the content: changed code is a new object, and the functions move over before the old one goes.
resource "aws_s3_object" "code" {
  bucket = aws_s3_bucket.artifacts.id
  key    = "${filesha256(var.code_zip)}.zip"
  source = var.code_zip

  # Every upload is a version: one from before versioning has none, and is hard to delete.
  depends_on = [aws_s3_bucket_versioning.artifacts]

  lifecycle {
    create_before_destroy = true
  }
}
