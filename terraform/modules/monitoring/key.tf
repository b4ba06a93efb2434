# Nothing fails at the moment in which somebody disables the key or schedules its deletion, so no metric has it in time. EventBridge
# hears of the call from CloudTrail, if the account has a trail.
resource "aws_cloudwatch_event_rule" "key_tampering" {
  name        = "${var.name}_key_tampering"
  description = "The key of ${var.name} was disabled, is to be deleted, or has another policy"

  event_pattern = jsonencode({
    source      = ["aws.kms"]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      eventSource = ["kms.amazonaws.com"]
      eventName   = ["DisableKey", "DisableKeyRotation", "PutKeyPolicy", "ScheduleKeyDeletion"]
      resources   = { ARN = [var.kms_key_arn] }
    }
  })
}

resource "aws_cloudwatch_event_target" "key_tampering" {
  rule = aws_cloudwatch_event_rule.key_tampering.name
  arn  = aws_sns_topic.alarms.arn

  input_transformer {
    input_paths = {
      call = "$.detail.eventName"
      time = "$.time"
      who  = "$.detail.userIdentity.arn"
    }
    input_template = "\"<call> on the key of ${var.name} by <who> at <time>. The runbook says what to do: The key.\""
  }
}
