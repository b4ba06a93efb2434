provider "aws" {
  region = "eu-north-1"
}

resource "aws_sfn_state_machine" "ship" {
  name     = "ship"
  role_arn = aws_iam_role.workflow.arn
  definition = templatefile("${path.module}/workflow.asl.json", {
    weigh = aws_lambda_function.shipping["weigh"].arn
    topic = aws_sns_topic.shipped.arn
  })
}

resource "aws_sns_topic" "shipped" {
  name              = "shipped"
  kms_master_key_id = "alias/aws/sns"
}

resource "aws_sns_topic_subscription" "label" {
  topic_arn = aws_sns_topic.shipped.arn
  protocol  = "lambda"
  endpoint  = aws_lambda_function.shipping["label"].arn
}

resource "aws_lambda_permission" "topic" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.shipping["label"].function_name
  principal     = "sns.amazonaws.com"
  source_arn    = aws_sns_topic.shipped.arn
}

resource "aws_lambda_function" "shipping" {
  for_each = toset(["weigh", "label"])

  function_name    = each.key
  role             = aws_iam_role.functions.arn
  runtime          = "python3.13"
  handler          = "shipping.${each.key}.handler"
  filename         = var.lambda_zip
  source_code_hash = filebase64sha256(var.lambda_zip)
  timeout          = 10
}
