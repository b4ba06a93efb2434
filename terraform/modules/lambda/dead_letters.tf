resource "aws_sqs_queue" "failed" {
  count = var.dead_letter_queue_enabled ? 1 : 0

  name                      = local.dead_letter_name
  message_retention_seconds = 1209600 # 14 days, the most there is
  sqs_managed_sse_enabled   = true
}
