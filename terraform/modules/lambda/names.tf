# Put together from names rather than read from the resources, so that what only refers to the function (its role's policy,
# the API and its deployment) does not wait until it is created.
locals {
  alias            = one(concat(aws_lambda_alias.live, aws_lambda_alias.gradual))
  alias_name       = "live"
  dead_letter_name = "${var.function_name}_failed"

  here       = "${var.context.region}:${var.context.account_id}"
  alias_arn  = "arn:${var.context.partition}:lambda:${local.here}:function:${var.function_name}:${local.alias_name}"
  invoke_arn = "arn:${var.context.partition}:apigateway:${var.context.region}:lambda:path/2015-03-31/functions/${local.alias_arn}/invocations"

  dead_letter_queue_arn = var.dead_letter_queue_enabled ? "arn:${var.context.partition}:sqs:${local.here}:${local.dead_letter_name}" : null
}
