resource "aws_iam_role" "reader" {
  name                 = var.reader.role_name
  description          = "Reads timestamped objects; never writes"
  assume_role_policy   = data.aws_iam_policy_document.assume.json
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "reader" {
  name   = "read-objects"
  role   = aws_iam_role.reader.id
  policy = data.aws_iam_policy_document.reader.json
}

data "aws_iam_policy_document" "reader" {
  statement {
    sid       = "ReadObjectsAndPointer"
    actions   = ["s3:GetObject"]
    resources = [local.objects, local.pointer]
  }

  # Without a condition on s3:prefix: S3 answers 404 for a missing key only to who may list that very key as a prefix, and
  # the search for the newest object begins with a listing of the whole bucket, which names no prefix.
  statement {
    sid       = "ListObjects"
    actions   = ["s3:ListBucket"]
    resources = [local.bucket]
  }

  statement {
    sid       = "DecryptObjects"
    actions   = ["kms:Decrypt"]
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
    resources = ["${local.log_groups}/${var.reader.function_name}:*"]
  }

  dynamic "statement" {
    for_each = var.tracing_enabled ? ["xray"] : []
    content {
      sid       = "SendTraces"
      actions   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
      resources = ["*"] # X-Ray has no resource-level permission for these
    }
  }
}
