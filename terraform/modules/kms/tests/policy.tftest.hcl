# Real provider, no account: nothing here calls AWS, and policies are rendered as they would be sent.
provider "aws" {
  region                      = "eu-north-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

variables {
  context          = { account_id = "111122223333", partition = "aws", region = "eu-north-1", dns_suffix = "amazonaws.com" }
  name             = "s3_lambda_api_dev"
  description      = "test"
  writer_role_arns = ["arn:aws:iam::111122223333:role/writer"]
  reader_role_arns = ["arn:aws:iam::111122223333:role/reader"]
  log_group_names  = ["/aws/lambda/writer"]
}

run "splits_the_roles" {
  command = plan

  assert {
    condition     = !anytrue(flatten([for s in jsondecode(data.aws_iam_policy_document.key.json).Statement : [for action in flatten([s.Action]) : can(regex("^kms:(\\*|Encrypt|Decrypt|GenerateDataKey)", action))] if s.Sid == "AdministerKey"]))
    error_message = "Who administers the key must not be able to use it."
  }

  assert {
    condition     = one([for s in jsondecode(data.aws_iam_policy_document.key.json).Statement : s.Action if s.Sid == "ReadObjects"]) == "kms:Decrypt"
    error_message = "The reader may only decrypt."
  }

  assert {
    condition     = toset(one([for s in jsondecode(data.aws_iam_policy_document.key.json).Statement : s.Action if s.Sid == "WriteObjects"])) == toset(["kms:Decrypt", "kms:GenerateDataKey"])
    error_message = "The writer needs a data key, and to read the pointer back; never kms:Encrypt."
  }

  assert {
    condition     = alltrue([for s in jsondecode(data.aws_iam_policy_document.key.json).Statement : s.Condition.StringEquals["kms:ViaService"] == "s3.eu-north-1.amazonaws.com" if contains(["ReadObjects", "WriteObjects"], s.Sid)])
    error_message = "Functions use the key through S3 only."
  }

  assert {
    condition     = one([for s in jsondecode(data.aws_iam_policy_document.key.json).Statement : s.Condition.ArnLike["kms:EncryptionContext:aws:logs:arn"] if s.Sid == "EncryptLogs"]) == "arn:aws:logs:eu-north-1:111122223333:log-group:/aws/lambda/writer"
    error_message = "CloudWatch Logs may use the key for the named log groups only."
  }

  assert {
    condition     = aws_kms_key.this.enable_key_rotation
    error_message = "The key must rotate."
  }
}

run "lets_operators_use_the_key_through_s3_only" {
  command = plan

  variables {
    operator_arns = ["arn:aws:iam::111122223333:role/on-call", "arn:aws:iam::111122223333:user/ada"]
  }

  assert {
    condition     = toset(one([for s in jsondecode(data.aws_iam_policy_document.key.json).Statement : s.Principal.AWS if s.Sid == "OperateObjects"])) == toset(var.operator_arns)
    error_message = "The named operators, and nobody else."
  }

  assert {
    condition     = one([for s in jsondecode(data.aws_iam_policy_document.key.json).Statement : s.Condition.StringEquals["kms:ViaService"] if s.Sid == "OperateObjects"]) == "s3.eu-north-1.amazonaws.com"
    error_message = "Operators use the key through S3 only."
  }
}

run "refuses_a_session_for_an_operator" {
  command = plan

  variables {
    operator_arns = ["arn:aws:sts::111122223333:assumed-role/on-call/ada"]
  }

  expect_failures = [var.operator_arns]
}

run "names_no_one_without_need" {
  command = plan

  variables {
    writer_role_arns = []
    reader_role_arns = []
  }

  assert {
    condition     = length(jsondecode(data.aws_iam_policy_document.key.json).Statement) == 2
    error_message = "Without roles only the administrators and the logs are named."
  }
}

run "follows_the_partition" {
  command = plan

  variables {
    context = { account_id = "111122223333", partition = "aws-cn", region = "cn-north-1", dns_suffix = "amazonaws.com.cn" }
  }

  assert {
    condition     = strcontains(data.aws_iam_policy_document.key.json, "arn:aws-cn:iam::111122223333:root") && !strcontains(data.aws_iam_policy_document.key.json, "arn:aws:iam::111122223333:root")
    error_message = "ARNs must be of the partition."
  }

  assert {
    condition     = strcontains(data.aws_iam_policy_document.key.json, "s3.cn-north-1.amazonaws.com.cn")
    error_message = "Service names must be of the partition."
  }
}

run "refuses_the_prefix_of_aws" {
  command = plan

  variables {
    name = "aws/s3"
  }

  expect_failures = [var.name]
}

run "refuses_a_short_deletion_window" {
  command = plan

  variables {
    deletion_window_days = 1
  }

  expect_failures = [var.deletion_window_days]
}

run "refuses_every_log_group" {
  command = plan

  variables {
    log_group_names = ["*"]
  }

  expect_failures = [var.log_group_names]
}

run "refuses_an_account_that_is_none" {
  command = plan

  variables {
    context = { account_id = "1", partition = "aws", region = "eu-north-1", dns_suffix = "amazonaws.com" }
  }

  expect_failures = [var.context]
}

run "refuses_everyone_for_a_role" {
  command = plan

  variables {
    writer_role_arns     = ["*"]
    reader_role_arns     = ["arn:aws:iam::111122223333:root"]
    replicator_role_arns = ["arn:aws:iam::111122223333:user/somebody"]
  }

  expect_failures = [var.writer_role_arns, var.reader_role_arns, var.replicator_role_arns]
}

run "refuses_a_long_description" {
  command = plan

  variables {
    description = format("%8193s", "x")
  }

  expect_failures = [var.description]
}
