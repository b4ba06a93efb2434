# One permission a method, each for exactly the call that is made: stage, method and path.
resource "aws_lambda_permission" "read" {
  for_each = local.methods

  statement_id  = "AllowApiGateway${title(lower(each.value))}"
  action        = "lambda:InvokeFunction"
  function_name = var.function_name
  qualifier     = var.alias_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.this.execution_arn}/${var.stage_name}/${each.value}/${var.path_part}"
}
