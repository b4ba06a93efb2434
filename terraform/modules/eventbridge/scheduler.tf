# The same schedule by EventBridge Scheduler, which assumes a role where a rule has a permission on the function.
resource "aws_scheduler_schedule" "this" {
  # checkov:skip=CKV_AWS_297:its payload is a time and an ARN

  count = local.schedules

  name                = "${var.name}_schedule"
  description         = "Invokes ${var.name} at ${var.schedule_expression}"
  schedule_expression = var.schedule_expression
  state               = var.schedule_enabled ? "ENABLED" : "DISABLED"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = var.alias_arn
    role_arn = aws_iam_role.scheduler[0].arn

    # The shape of a rule's event. Time and id are those of the tick, the same for every attempt: an execution id would be the
    # attempt's, and a retry would make a second object. Scheduler looks for <aws…> as it stands, unescaped.
    input = replace(replace(jsonencode({
      id            = "<aws.scheduler.schedule-arn>"
      time          = "<aws.scheduler.scheduled-time>"
      source        = "aws.scheduler"
      "detail-type" = "Scheduled Event"
      detail        = {}
    }), "\\u003c", "<"), "\\u003e", ">")

    retry_policy {
      maximum_event_age_in_seconds = var.retry_policy.maximum_age_seconds
      maximum_retry_attempts       = var.retry_policy.maximum_retries
    }

    dynamic "dead_letter_config" {
      for_each = aws_sqs_queue.undelivered[*].arn
      content {
        arn = dead_letter_config.value
      }
    }
  }

  depends_on = [aws_iam_role_policy.scheduler]
}

resource "aws_iam_role" "scheduler" {
  count = local.schedules

  name                 = "${var.name}_schedule"
  description          = "Lets EventBridge Scheduler invoke ${var.name}"
  assume_role_policy   = data.aws_iam_policy_document.assume_scheduler[0].json
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "scheduler" {
  count = local.schedules

  name   = "invoke-function"
  role   = aws_iam_role.scheduler[0].id
  policy = data.aws_iam_policy_document.scheduler[0].json
}

data "aws_iam_policy_document" "assume_scheduler" {
  count = local.schedules

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.context.account_id]
    }
  }
}

data "aws_iam_policy_document" "scheduler" {
  count = local.schedules

  statement {
    sid       = "InvokeFunction"
    actions   = ["lambda:InvokeFunction"]
    resources = [var.alias_arn]
  }

  dynamic "statement" {
    for_each = var.dead_letter_queue_enabled ? [local.queue_arn] : []
    content {
      sid       = "KeepUndelivered"
      actions   = ["sqs:SendMessage"]
      resources = [statement.value]
    }
  }
}

locals {
  schedules = var.scheduler == "scheduler" ? 1 : 0
}
