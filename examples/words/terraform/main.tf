provider "aws" {
  region = "eu-north-1"
}

locals {
  zip = "${path.module}/../build/words.zip"
}

resource "aws_lambda_function" "words" {
  function_name    = "words"
  description      = "Counts the words of a text"
  role             = aws_iam_role.words.arn
  runtime          = "provided.al2023"
  architectures    = [var.architecture]
  handler          = "bootstrap"
  filename         = local.zip
  source_code_hash = filebase64sha256(local.zip)
}

resource "aws_iam_role" "words" {
  name = "words"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.words.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}
