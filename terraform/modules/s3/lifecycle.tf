resource "aws_s3_bucket_lifecycle_configuration" "objects" {
  count = var.retention == null ? 0 : 1

  bucket = aws_s3_bucket.objects.id

  # By tag, never by age alone: the writer tags an object and its index entry once a newer one is in place, so the newest
  # object stays for ever, even when nothing is written any more.
  rule {
    id     = "expire-superseded"
    status = "Enabled"

    filter {
      tag {
        key   = "superseded"
        value = "true"
      }
    }
    expiration {
      days = var.retention.superseded_days
    }
  }

  # Versions become noncurrent when the pointer is replaced and when an object expires. That leaves a delete marker, which
  # has no tags: once its last version has gone too, the marker goes with this rule, which has no tag to match.
  rule {
    id     = "expire-noncurrent"
    status = "Enabled"

    filter {}
    noncurrent_version_expiration {
      noncurrent_days = var.retention.noncurrent_days
    }
    expiration {
      expired_object_delete_marker = true
    }
  }

  # Each write replaces the pointer, and nobody wants an old one: with thousands of versions of one key S3 slows down.
  rule {
    id     = "expire-replaced-pointers"
    status = "Enabled"

    filter {
      prefix = var.pointer_key
    }
    noncurrent_version_expiration {
      noncurrent_days = 1
    }
  }

  rule {
    id     = "abort-uploads"
    status = "Enabled"

    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.objects]
}
