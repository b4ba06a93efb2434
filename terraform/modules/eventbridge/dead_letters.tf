# Events that could not be delivered; those that the function failed on are the function's own affair.
resource "aws_sqs_queue" "undelivered" {
  count = var.dead_letter_queue_enabled ? 1 : 0

  name                      = local.queue_name
  message_retention_seconds = 1209600 # 14 days, the most there is
  sqs_managed_sse_enabled   = true
  policy                    = data.aws_iam_policy_document.undelivered[0].json
}

# Inline, because the provider waits some 25 s for a queue and again for a policy of its own.
data "aws_iam_policy_document" "undelivered" {
  count = var.dead_letter_queue_enabled ? 1 : 0

  statement {
    sid       = "AllowRules"
    actions   = ["sqs:SendMessage"]
    resources = [local.queue_arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [for rule in local.rules : rule.rule.arn]
    }
  }

  statement {
    sid       = "DenyPlainHttp"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [local.queue_arn]

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
  queue_name = "${var.name}_undelivered"
  queue_arn  = "arn:${var.context.partition}:sqs:${var.context.region}:${var.context.account_id}:${local.queue_name}"
}
