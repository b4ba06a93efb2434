# One permission a method, each for exactly the call that is made: stage, method and path.
resource "aws_lambda_permission" "read" {
  for_each = local.methods

  # With the path in it, so that a new path is permitted before the old one no longer is.
  statement_id  = "AllowApiGateway${title(lower(each.value))}_${substr(sha256(var.path_part), 0, 8)}"
  action        = "lambda:InvokeFunction"
  function_name = var.function_name
  qualifier     = var.alias_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.this.execution_arn}/${var.stage_name}/${each.value}/${var.path_part}"

  lifecycle {
    create_before_destroy = true
  }
}
