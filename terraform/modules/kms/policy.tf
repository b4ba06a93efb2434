locals {
  log_groups = "arn:${var.context.partition}:logs:${var.context.region}:${var.context.account_id}:log-group:"
}

# Who may administer the key may not use it: the account's administrators get no cryptographic action here, and no policy of
# IAM can give them one, as the account is named for administration only. Those who may are named as operators.
data "aws_iam_policy_document" "key" {
  # checkov:skip=CKV_AWS_109:in a key policy the resource * is the key itself
  # checkov:skip=CKV_AWS_111:in a key policy the resource * is the key itself
  # checkov:skip=CKV_AWS_356:in a key policy the resource * is the key itself

  statement {
    sid = "AdministerKey"
    actions = [
      "kms:CancelKeyDeletion",
      "kms:CreateAlias",
      "kms:DeleteAlias",
      "kms:DescribeKey",
      "kms:DisableKey",
      "kms:DisableKeyRotation",
      "kms:EnableKey",
      "kms:EnableKeyRotation",
      "kms:GetKeyPolicy",
      "kms:GetKeyRotationStatus",
      "kms:ListAliases",
      "kms:ListGrants",
      "kms:ListKeyPolicies",
      "kms:ListKeyRotations",
      "kms:ListResourceTags",
      "kms:PutKeyPolicy",
      "kms:RevokeGrant",
      "kms:RotateKeyOnDemand",
      "kms:ScheduleKeyDeletion",
      "kms:TagResource",
      "kms:UntagResource",
      "kms:UpdateAlias",
      "kms:UpdateKeyDescription",
    ]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${var.context.partition}:iam::${var.context.account_id}:root"]
    }
  }

  dynamic "statement" {
    for_each = local.object_users
    content {
      sid       = statement.key
      actions   = statement.value.actions
      resources = ["*"]

      principals {
        type        = "AWS"
        identifiers = statement.value.arns
      }
      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${var.context.region}.${var.context.dns_suffix}"]
      }
    }
  }

  statement {
    sid       = "EncryptLogs"
    actions   = ["kms:Decrypt*", "kms:DescribeKey", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.${var.context.region}.${var.context.dns_suffix}"]
    }
    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = [for name in var.log_group_names : "${local.log_groups}${name}"]
    }
  }
}

locals {
  # S3 asks for a data key to encrypt and for Decrypt to read; a writer reads the pointer, so it needs both.
  object_users = {
    for sid, user in {
      WriteObjects   = { arns = var.writer_role_arns, actions = ["kms:Decrypt", "kms:GenerateDataKey"] }
      ReadObjects    = { arns = var.reader_role_arns, actions = ["kms:Decrypt"] }
      OperateObjects = { arns = var.operator_arns, actions = ["kms:Decrypt", "kms:GenerateDataKey"] }
      WriteReplicas  = { arns = var.replicator_role_arns, actions = ["kms:Encrypt", "kms:GenerateDataKey"] }
    } : sid => user if length(user.arns) > 0
  }
}
