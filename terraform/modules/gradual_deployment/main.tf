resource "aws_codedeploy_app" "this" {
  name             = var.name
  compute_platform = "Lambda"
}

# Some of the traffic goes to the new version first. If an alarm goes on meanwhile, all of it goes back.
resource "aws_codedeploy_deployment_group" "function" {
  for_each = var.functions

  app_name               = aws_codedeploy_app.this.name
  deployment_group_name  = each.key
  deployment_config_name = var.deployment_config
  service_role_arn       = aws_iam_role.this.arn

  deployment_style {
    deployment_option = "WITH_TRAFFIC_CONTROL"
    deployment_type   = "BLUE_GREEN"
  }
  alarm_configuration {
    enabled = true
    alarms  = each.value.alarm_names
  }
  auto_rollback_configuration {
    enabled = true
    events  = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"]
  }

  depends_on = [aws_iam_role_policy.this]
}

resource "aws_iam_role" "this" {
  name                 = "${var.name}_deployments"
  description          = "Lets CodeDeploy move the aliases of ${var.name}"
  assume_role_policy   = data.aws_iam_policy_document.assume.json
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "this" {
  name   = "move-aliases"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.this.json
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["codedeploy.amazonaws.com"]
    }
  }
}

# What AWSCodeDeployRoleForLambdaLimited allows, for these functions alone.
data "aws_iam_policy_document" "this" {
  statement {
    sid       = "MoveAliases"
    actions   = ["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"]
    resources = flatten([for function in var.functions : [local.arns[function.name], "${local.arns[function.name]}:*"]])
  }

  statement {
    sid       = "WatchAlarms"
    actions   = ["cloudwatch:DescribeAlarms"]
    resources = ["arn:${var.context.partition}:cloudwatch:${var.context.region}:${var.context.account_id}:alarm:*"]
  }
}

locals {
  arns = {
    for function in var.functions : function.name =>
    "arn:${var.context.partition}:lambda:${var.context.region}:${var.context.account_id}:function:${function.name}"
  }
}
