locals {
  writers = var.writer == null ? 0 : 1
}

resource "aws_iam_role" "writer" {
  count = local.writers

  name                 = var.writer.role_name
  description          = "Writes timestamped objects and moves the pointer to the newest"
  assume_role_policy   = data.aws_iam_policy_document.assume.json
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "writer" {
  count = local.writers

  name   = "write-objects"
  role   = aws_iam_role.writer[0].id
  policy = data.aws_iam_policy_document.writer[0].json
}

data "aws_iam_policy_document" "writer" {
  count = local.writers

  statement {
    sid       = "WriteObjectsIndexAndPointer"
    actions   = ["s3:PutObject"]
    resources = [local.objects, local.index, local.pointer]
  }

  statement {
    sid       = "ReadPointer"
    actions   = ["s3:GetObject"]
    resources = [local.pointer]
  }

  # What is tagged as superseded is what the bucket's lifecycle may expire.
  statement {
    sid       = "TagSuperseded"
    actions   = ["s3:PutObjectTagging"]
    resources = [local.objects, local.index]

    condition {
      test     = "StringEquals"
      variable = "s3:RequestObjectTag/superseded"
      values   = ["true"]
    }
    condition {
      test     = "ForAllValues:StringEquals"
      variable = "s3:RequestObjectTagKeys"
      values   = ["superseded"]
    }
  }

  # Without a condition on s3:prefix: S3 answers 404 for a missing key only to who may list that very key as a prefix, and
  # the search for the newest object begins with a listing of the whole bucket, which names no prefix.
  statement {
    sid       = "ListObjects"
    actions   = ["s3:ListBucket"]
    resources = [local.bucket]
  }

  # Decrypt, because the pointer that is read back is encrypted too.
  statement {
    sid       = "EncryptObjects"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = [local.via_s3]
    }
  }

  statement {
    sid       = "WriteOwnLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.log_groups}/${var.writer.function_name}:*"]
  }

  dynamic "statement" {
    for_each = var.tracing_enabled ? ["xray"] : []
    content {
      sid       = "SendTraces"
      actions   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
      resources = ["*"] # X-Ray has no resource-level permission for these
    }
  }

  dynamic "statement" {
    for_each = var.writer.dead_letter_queue_arn == null ? [] : [var.writer.dead_letter_queue_arn]
    content {
      sid       = "SendFailedEvents"
      actions   = ["sqs:SendMessage"]
      resources = [statement.value]
    }
  }
}
