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
  context       = { account_id = "111122223333", partition = "aws", region = "eu-north-1", dns_suffix = "amazonaws.com" }
  writer        = { role_name = "writer", function_name = "create" }
  reader        = { role_name = "reader", function_name = "retrieve" }
  bucket_name   = "objects"
  object_prefix = "hello_world_"
  index_prefix  = "by_newest/"
  pointer_key   = "latest.json"
  kms_key_arn   = "arn:aws:kms:eu-north-1:111122223333:key/k"
}

run "the_reader_only_reads" {
  command = plan

  assert {
    condition     = toset([for action in flatten(jsondecode(data.aws_iam_policy_document.reader.json).Statement[*].Action) : action if startswith(action, "s3:")]) == toset(["s3:GetObject", "s3:ListBucket"])
    error_message = "The reader has more of S3 than GetObject and ListBucket."
  }

  assert {
    condition     = [for action in flatten(jsondecode(data.aws_iam_policy_document.reader.json).Statement[*].Action) : action if startswith(action, "kms:")] == ["kms:Decrypt"]
    error_message = "The reader has more of KMS than Decrypt."
  }

  assert {
    condition     = toset(one([for s in jsondecode(data.aws_iam_policy_document.reader.json).Statement : s.Resource if s.Sid == "ReadObjectsAndPointer"])) == toset(["arn:aws:s3:::objects/hello_world_*", "arn:aws:s3:::objects/latest.json"])
    error_message = "The reader reads more than objects and pointer."
  }
}

run "the_writer_reads_only_the_pointer" {
  command = plan

  assert {
    condition     = one([for s in jsondecode(data.aws_iam_policy_document.writer[0].json).Statement : s.Resource if contains(flatten([s.Action]), "s3:GetObject")]) == "arn:aws:s3:::objects/latest.json"
    error_message = "The writer reads more than the pointer."
  }

  assert {
    condition     = toset(one([for s in jsondecode(data.aws_iam_policy_document.writer[0].json).Statement : s.Resource if contains(flatten([s.Action]), "s3:PutObject")])) == toset(["arn:aws:s3:::objects/hello_world_*", "arn:aws:s3:::objects/by_newest/*", "arn:aws:s3:::objects/latest.json"])
    error_message = "The writer writes something else than objects, index and pointer."
  }

  assert {
    condition     = !contains(flatten(jsondecode(data.aws_iam_policy_document.writer[0].json).Statement[*].Action), "kms:Encrypt") && !contains(flatten(jsondecode(data.aws_iam_policy_document.writer[0].json).Statement[*].Action), "s3:DeleteObject")
    error_message = "The writer encrypts by itself or deletes."
  }
}

run "each_role_writes_its_own_log_only" {
  command = plan

  assert {
    condition     = one([for s in jsondecode(data.aws_iam_policy_document.writer[0].json).Statement : s.Resource if s.Sid == "WriteOwnLogs"]) == "arn:aws:logs:eu-north-1:111122223333:log-group:/aws/lambda/create:*"
    error_message = "The writer writes other logs than its own."
  }

  assert {
    condition     = one([for s in jsondecode(data.aws_iam_policy_document.reader.json).Statement : s.Resource if s.Sid == "WriteOwnLogs"]) == "arn:aws:logs:eu-north-1:111122223333:log-group:/aws/lambda/retrieve:*"
    error_message = "The reader writes other logs than its own."
  }

  assert {
    condition     = alltrue([for s in concat(jsondecode(data.aws_iam_policy_document.writer[0].json).Statement, jsondecode(data.aws_iam_policy_document.reader.json).Statement) : !strcontains(jsonencode(s.Action), "*")])
    error_message = "No action may be a pattern."
  }

  assert {
    condition     = alltrue([for s in concat(jsondecode(data.aws_iam_policy_document.writer[0].json).Statement, jsondecode(data.aws_iam_policy_document.reader.json).Statement) : s.Sid == "SendTraces" || s.Resource != "*"])
    error_message = "Only X-Ray, which knows no resources, may have all of them."
  }
}

run "without_tracing_no_traces" {
  command = plan

  variables {
    tracing_enabled = false
  }

  assert {
    condition     = !strcontains(jsonencode(concat(jsondecode(data.aws_iam_policy_document.writer[0].json).Statement, jsondecode(data.aws_iam_policy_document.reader.json).Statement)), "xray:")
    error_message = "Tracing is off but allowed."
  }
}

run "dead_letters_go_to_the_one_queue" {
  command = plan

  variables {
    writer = { role_name = "writer", function_name = "create", dead_letter_queue_arn = "arn:aws:sqs:eu-north-1:111122223333:create_failed" }
  }

  assert {
    condition     = one([for s in jsondecode(data.aws_iam_policy_document.writer[0].json).Statement : s.Resource if contains(flatten([s.Action]), "sqs:SendMessage")]) == "arn:aws:sqs:eu-north-1:111122223333:create_failed"
    error_message = "The writer may send elsewhere than to its queue."
  }
}

run "a_standby_has_no_writer" {
  command = plan

  variables {
    writer = null
  }

  assert {
    condition     = length(aws_iam_role.writer) == 0
    error_message = "A role for writing where nothing writes."
  }
}

run "refuses_a_pointer_among_the_objects" {
  command = plan

  variables {
    pointer_key = "hello_world_latest"
  }

  expect_failures = [var.pointer_key]
}

run "refuses_an_empty_prefix" {
  command = plan

  variables {
    object_prefix = ""
  }

  expect_failures = [var.object_prefix]
}

run "refuses_a_pattern_for_an_index" {
  command = plan

  variables {
    index_prefix = "*"
  }

  expect_failures = [var.index_prefix]
}

run "refuses_a_bad_writer_name" {
  command = plan

  variables {
    writer = { role_name = "no blanks", function_name = "create" }
  }

  expect_failures = [var.writer]
}

run "refuses_a_bad_reader_name" {
  command = plan

  variables {
    reader = { role_name = "", function_name = "retrieve" }
  }

  expect_failures = [var.reader]
}

run "refuses_an_account_that_is_none" {
  command = plan

  variables {
    context = { account_id = "1", partition = "aws", region = "eu-north-1", dns_suffix = "amazonaws.com" }
  }

  expect_failures = [var.context]
}

run "refuses_an_alias_for_the_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-north-1:111122223333:alias/k"
  }

  expect_failures = [var.kms_key_arn]
}

run "refuses_a_pattern_for_a_bucket" {
  command = plan

  variables {
    bucket_name = "*"
  }

  expect_failures = [var.bucket_name]
}

run "refuses_patterns_for_functions" {
  command = plan

  variables {
    writer = { role_name = "writer", function_name = "*" }
    reader = { role_name = "reader", function_name = "*" }
  }

  expect_failures = [var.writer, var.reader]
}

run "refuses_a_pattern_for_a_queue" {
  command = plan

  variables {
    writer = { role_name = "writer", function_name = "create", dead_letter_queue_arn = "arn:aws:sqs:eu-north-1:111122223333:*" }
  }

  expect_failures = [var.writer]
}

run "refuses_a_boundary_that_is_no_policy" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::111122223333:role/boundary"
  }

  expect_failures = [var.permissions_boundary_arn]
}
