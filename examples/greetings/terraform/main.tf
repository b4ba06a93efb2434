provider "aws" {
  region = "eu-north-1"
}

resource "aws_lambda_function" "greet" {
  function_name    = "greet"
  description      = "Greets whom a request names"
  role             = aws_iam_role.greet.arn
  runtime          = "nodejs22.x"
  handler          = "index.handler"
  filename         = var.greetings_zip
  source_code_hash = filebase64sha256(var.greetings_zip)
  timeout          = 10
}

resource "aws_iam_role" "greet" {
  name = "greet"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.greet.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_apigatewayv2_api" "greetings" {
  name          = "greetings"
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "greet" {
  api_id                 = aws_apigatewayv2_api.greetings.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.greet.invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "greet" {
  api_id    = aws_apigatewayv2_api.greetings.id
  route_key = "GET /greetings/{name}"
  target    = "integrations/${aws_apigatewayv2_integration.greet.id}"
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.greetings.id
  name        = "$default"
  auto_deploy = true
}

resource "aws_lambda_permission" "api" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.greet.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.greetings.execution_arn}/*/*"
}
