resource "aws_sqs_queue" "failed" {
  count = var.dead_letter_queue_enabled ? 1 : 0

  name                      = local.dead_letter_name
  message_retention_seconds = 1209600 # 14 days, the most there is
  sqs_managed_sse_enabled   = true
  policy                    = data.aws_iam_policy_document.failed[0].json
}

# Inline, because the provider waits some 25 s for a queue and again for a policy of its own.
data "aws_iam_policy_document" "failed" {
  count = var.dead_letter_queue_enabled ? 1 : 0

  statement {
    sid       = "DenyPlainHttp"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [local.dead_letter_queue_arn]

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
