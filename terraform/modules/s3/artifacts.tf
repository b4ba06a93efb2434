# The functions' code, apart from the objects: here a list of the objects' bucket shows objects only. Encrypted with the
# key that S3 manages, so that an upload does not wait for ours: the code is not secret.
resource "aws_s3_bucket" "artifacts" {
  # checkov:skip=CKV_AWS_18:who uploads code is in CloudTrail, and nothing else reads it but Lambda
  # checkov:skip=CKV_AWS_21:an object's key is the hash of its content; right after versioning is turned on, S3 may not find what was just uploaded
  # checkov:skip=CKV_AWS_144:code is uploaded to each region
  # checkov:skip=CKV_AWS_145:code is not secret, and an upload should not wait for a key of ours
  # checkov:skip=CKV2_AWS_62:nothing has to happen when code is uploaded: Terraform tells the functions

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

resource "aws_s3_bucket_lifecycle_configuration" "artifacts" {
  count = var.retention == null ? 0 : 1

  bucket = aws_s3_bucket.artifacts.id

  rule {
    id     = "abort-uploads"
    status = "Enabled"

    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
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

  lifecycle {
    create_before_destroy = true
  }
}
