# The shape of the original system, resource by resource: 18 of them, functions deployed from a file, everything in a row.
# It is a yardstick for the time that an apply takes, and nothing to copy.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 6.0" # later ones have no `stage_name` in a deployment
    }
  }
}

variable "lambda_zip" {
  description = "Path of the functions' zip."
  type        = string
}

provider "aws" {
  region = "eu-north-1"
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "functions" {
  statement {
    actions   = ["s3:*", "kms:*", "logs:*"]
    resources = ["*"]
  }
}

resource "aws_kms_key" "objects" {
  enable_key_rotation     = true
  deletion_window_in_days = 7
}

resource "aws_kms_alias" "objects" {
  name          = "alias/original"
  target_key_id = aws_kms_key.objects.id
}

resource "aws_s3_bucket" "objects" {
  bucket        = "original-objects"
  force_destroy = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "objects" {
  bucket = aws_s3_bucket.objects.id

  rule {
    apply_server_side_encryption_by_default {
      kms_master_key_id = aws_kms_key.objects.id
      sse_algorithm     = "aws:kms"
    }
  }
}

resource "aws_iam_role" "functions" {
  name               = "original"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

resource "aws_iam_policy" "functions" {
  name   = "original"
  policy = data.aws_iam_policy_document.functions.json
}

resource "aws_iam_role_policy_attachment" "functions" {
  role       = aws_iam_role.functions.name
  policy_arn = aws_iam_policy.functions.arn
}

resource "aws_lambda_function" "create" {
  function_name = "original_create"
  filename      = var.lambda_zip
  handler       = "s3_lambda_api.writer.handler"
  role          = aws_iam_role.functions.arn
  runtime       = "python3.13"

  environment {
    variables = {
      BUCKET_NAME = aws_s3_bucket.objects.id
      KMS_KEY_ARN = aws_kms_key.objects.arn
    }
  }
}

resource "aws_lambda_function" "retrieve" {
  function_name = "original_retrieve"
  filename      = var.lambda_zip
  handler       = "s3_lambda_api.reader.handler"
  role          = aws_iam_role.functions.arn
  runtime       = "python3.13"

  environment {
    variables = {
      BUCKET_NAME = aws_s3_bucket.objects.id
    }
  }
}

resource "aws_cloudwatch_event_rule" "schedule" {
  name                = "original"
  schedule_expression = "rate(10 minutes)"
}

resource "aws_cloudwatch_event_target" "schedule" {
  rule = aws_cloudwatch_event_rule.schedule.name
  arn  = aws_lambda_function.create.arn
}

resource "aws_lambda_permission" "schedule" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.create.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.schedule.arn
}

resource "aws_api_gateway_rest_api" "latest" {
  name = "original"
}

resource "aws_api_gateway_resource" "latest" {
  rest_api_id = aws_api_gateway_rest_api.latest.id
  parent_id   = aws_api_gateway_rest_api.latest.root_resource_id
  path_part   = "latest"
}

resource "aws_api_gateway_method" "latest" {
  rest_api_id   = aws_api_gateway_rest_api.latest.id
  resource_id   = aws_api_gateway_resource.latest.id
  http_method   = "GET"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "latest" {
  rest_api_id             = aws_api_gateway_rest_api.latest.id
  resource_id             = aws_api_gateway_resource.latest.id
  http_method             = aws_api_gateway_method.latest.http_method
  integration_http_method = "POST"
  type                    = "AWS_PROXY"
  uri                     = aws_lambda_function.retrieve.invoke_arn
}

resource "aws_api_gateway_deployment" "latest" {
  rest_api_id = aws_api_gateway_rest_api.latest.id
  stage_name  = "dev"

  depends_on = [aws_api_gateway_integration.latest]
}

resource "aws_lambda_permission" "latest" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.retrieve.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.latest.execution_arn}/*/GET/latest"
}
