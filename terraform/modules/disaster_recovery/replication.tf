# Objects, index and pointer, in whatever order S3 gets to them: the standby reader repairs a pointer that is ahead of its object.
# Deletions stay here, so that what is lost by mistake is still there.
resource "aws_s3_bucket_replication_configuration" "this" {
  bucket = var.source_bucket_name
  role   = aws_iam_role.replication.arn

  rule {
    id       = local.rule_id
    status   = "Enabled"
    priority = 0

    filter {}
    delete_marker_replication {
      status = "Disabled"
    }
    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }
    }
    destination {
      bucket = module.s3.bucket_arn

      encryption_configuration {
        replica_kms_key_id = module.kms.key_arn
      }
      replication_time {
        status = "Enabled"
        time {
          minutes = 15
        }
      }
      metrics {
        status = "Enabled"
        event_threshold {
          minutes = 15
        }
      }
    }
  }

  depends_on = [aws_iam_role_policy.replication, module.s3]
}

# What the standby writes while home fails goes back by itself. S3 does not replicate a replica, so nothing goes round.
resource "aws_s3_bucket_replication_configuration" "back" {
  provider = aws.replica

  bucket = module.s3.bucket_name
  role   = aws_iam_role.replication.arn

  rule {
    id       = local.rule_id
    status   = "Enabled"
    priority = 0

    filter {}
    delete_marker_replication {
      status = "Disabled"
    }
    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }
    }
    destination {
      bucket = local.source_arn

      encryption_configuration {
        replica_kms_key_id = var.source_kms_key_arn
      }
      replication_time {
        status = "Enabled"
        time {
          minutes = 15
        }
      }
      metrics {
        status = "Enabled"
        event_threshold {
          minutes = 15
        }
      }
    }
  }

  depends_on = [aws_iam_role_policy.replication]
}

resource "aws_iam_role" "replication" {
  name                 = "${var.name}_replication"
  description          = "Lets S3 copy objects to ${local.there.region} and back"
  assume_role_policy   = data.aws_iam_policy_document.assume_replication.json
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "replication" {
  name   = "replicate-objects"
  role   = aws_iam_role.replication.id
  policy = data.aws_iam_policy_document.replication.json
}

data "aws_iam_policy_document" "assume_replication" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }
    # IfExists: AWS documents this role without a condition, so whether S3 sends the key is open.
    condition {
      test     = "StringEqualsIfExists"
      variable = "aws:SourceAccount"
      values   = [var.context.account_id]
    }
  }
}

data "aws_iam_policy_document" "replication" {
  statement {
    sid       = "ReadSources"
    actions   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
    resources = [local.source_arn, local.replica_arn]
  }

  statement {
    sid       = "CopyVersions"
    resources = ["${local.source_arn}/*", "${local.replica_arn}/*"]
    actions = [
      "s3:GetObjectVersionAcl",
      "s3:GetObjectVersionForReplication",
      "s3:GetObjectVersionTagging",
      "s3:ReplicateObject",
      "s3:ReplicateTags",
    ]
  }

  dynamic "statement" {
    for_each = { Here = { region = var.context.region, key = var.source_kms_key_arn }, There = { region = var.replica_region, key = module.kms.key_arn } }
    content {
      sid       = "Encrypt${statement.key}"
      actions   = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
      resources = [statement.value.key]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${statement.value.region}.${var.context.dns_suffix}"]
      }
    }
  }
}
