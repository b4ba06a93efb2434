mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/mocked" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  context           = { account_id = "111122223333", partition = "aws", region = "eu-north-1", dns_suffix = "amazonaws.com" }
  name              = "s3_lambda_api_prod"
  deployment_config = "CodeDeployDefault.LambdaCanary10Percent15Minutes"
  functions = {
    create   = { name = "create_prod", alias_name = "live", live_version = "7", published_version = "7", alarm_names = ["create_errors"] }
    retrieve = { name = "retrieve_prod", alias_name = "live", live_version = "7", published_version = "8", alarm_names = ["api_errors"] }
  }
}

run "rolls_back_on_the_functions_own_alarms" {
  command = apply

  assert {
    condition     = one(aws_codedeploy_deployment_group.function["retrieve"].alarm_configuration).enabled && one(aws_codedeploy_deployment_group.function["retrieve"].alarm_configuration).alarms == toset(["api_errors"])
    error_message = "The alarms of the function must stop its deployment."
  }

  assert {
    condition     = one(aws_codedeploy_deployment_group.function["retrieve"].auto_rollback_configuration).events == toset(["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"])
    error_message = "A deployment that an alarm stops must be rolled back."
  }

  assert {
    condition     = one(aws_codedeploy_deployment_group.function["retrieve"].deployment_style).deployment_type == "BLUE_GREEN"
    error_message = "CodeDeploy deploys functions in no other way."
  }
}

run "deploys_what_is_newer_than_what_serves" {
  command = apply

  assert {
    condition     = keys(output.deployments) == ["retrieve"]
    error_message = "A function that serves its newest version needs no deployment."
  }

  assert {
    condition     = jsondecode(jsondecode(output.deployments["retrieve"]).revision.appSpecContent.content).Resources[0].retrieve_prod.Properties == { Name = "retrieve_prod", Alias = "live", CurrentVersion = "7", TargetVersion = "8" }
    error_message = "The deployment must move the alias from the version that serves to the newest."
  }
}

run "refuses_a_deployment_that_nothing_stops" {
  command = plan

  variables {
    context           = { account_id = "1", partition = "aws", region = "eu-north-1", dns_suffix = "amazonaws.com" }
    name              = "a name"
    deployment_config = ""
    functions         = { create = { name = "create_prod", alias_name = "live", live_version = "7", published_version = "7", alarm_names = [] } }
  }

  expect_failures = [var.context, var.name, var.deployment_config, var.functions]
}

run "refuses_a_boundary_that_is_no_policy" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::111122223333:role/boundary"
  }

  expect_failures = [var.permissions_boundary_arn]
}
