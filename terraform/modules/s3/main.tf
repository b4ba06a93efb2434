resource "aws_s3_bucket" "objects" {
  # checkov:skip=CKV_AWS_144:the disaster_recovery module replicates it, if there is one
  # checkov:skip=CKV2_AWS_62:its readers ask for the newest object, and nobody waits for it

  bucket        = var.bucket_name
  force_destroy = var.force_destroy

  # The name needs no key, but a bucket that can't be destroyed has to hold on to the key of its objects.
  depends_on = [var.kms_key_arn]
}

resource "aws_s3_bucket_server_side_encryption_configuration" "objects" {
  bucket = aws_s3_bucket.objects.id

  rule {
    bucket_key_enabled = true # one data key for the bucket instead of a KMS call for every object

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_versioning" "objects" {
  bucket = aws_s3_bucket.objects.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "objects" {
  bucket                  = aws_s3_bucket.objects.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "objects" {
  bucket = aws_s3_bucket.objects.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}
