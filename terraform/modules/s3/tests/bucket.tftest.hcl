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
  context               = { account_id = "111122223333", partition = "aws", region = "eu-north-1", dns_suffix = "amazonaws.com" }
  bucket_name           = "objects"
  artifacts_bucket_name = "artifacts"
  code_zip              = "tests/code.txt" # any file will do
  object_prefix         = "hello_world_"
  pointer_key           = "latest.json"
  kms_key_arn           = "arn:aws:kms:eu-north-1:111122223333:key/k"
}

run "is_encrypted_versioned_and_closed" {
  command = plan

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.objects.rule).bucket_key_enabled
    error_message = "Without a bucket key every object costs a KMS call."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.objects.rule).apply_server_side_encryption_by_default).kms_master_key_id == "arn:aws:kms:eu-north-1:111122223333:key/k"
    error_message = "The default key must be the one given, by its ARN."
  }

  assert {
    condition     = one(aws_s3_bucket_versioning.objects.versioning_configuration).status == "Enabled"
    error_message = "The bucket must be versioned."
  }

  assert {
    condition     = alltrue([for block in [aws_s3_bucket_public_access_block.objects, aws_s3_bucket_public_access_block.artifacts] : block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets])
    error_message = "The buckets must not be public in any way."
  }

  assert {
    condition     = one(aws_s3_bucket_ownership_controls.objects.rule).object_ownership == "BucketOwnerEnforced"
    error_message = "ACLs must be off."
  }

  assert {
    condition     = aws_s3_bucket.objects.force_destroy == false && aws_s3_bucket.artifacts.force_destroy == false
    error_message = "Destroy must not delete objects unless told to."
  }
}

run "refuses_what_the_policy_must_refuse" {
  command = plan

  assert {
    condition     = toset(jsondecode(data.aws_iam_policy_document.objects.json).Statement[*].Sid) == toset(["DenyPlainHttp", "DenyOldTls", "DenyOtherEncryption", "DenyOtherKeys", "DenyCustomerKeys", "DenyOverwrite"])
    error_message = "A rule is missing or new."
  }

  assert {
    condition     = alltrue([for s in jsondecode(data.aws_iam_policy_document.objects.json).Statement : s.Effect == "Deny" && s.Principal == "*"])
    error_message = "The policy must only deny, and deny everyone."
  }

  assert {
    condition     = alltrue([for s in jsondecode(data.aws_iam_policy_document.objects.json).Statement : s.Condition.Null != null && values(s.Condition.Null) == ["false"] if can(s.Condition.StringNotEquals)])
    error_message = "StringNotEquals holds for an absent header: it needs Null beside it, or writes that rely on the default are refused."
  }

  assert {
    condition     = one([for s in jsondecode(data.aws_iam_policy_document.objects.json).Statement : s.Condition.Null["s3:if-none-match"] if s.Sid == "DenyOverwrite"]) == "true" && one([for s in jsondecode(data.aws_iam_policy_document.objects.json).Statement : s.Resource if s.Sid == "DenyOverwrite"]) == "arn:aws:s3:::objects/hello_world_*"
    error_message = "Objects, and only they, must be created conditionally."
  }

  assert {
    condition     = one([for s in jsondecode(data.aws_iam_policy_document.objects.json).Statement : s.Condition.StringNotEquals["s3:x-amz-server-side-encryption-aws-kms-key-id"] if s.Sid == "DenyOtherKeys"]) == "arn:aws:kms:eu-north-1:111122223333:key/k"
    error_message = "Only the one key is right."
  }
}

run "never_expires_the_newest_object" {
  command = plan

  variables {
    retention = { superseded_days = 30, noncurrent_days = 7 }
  }

  assert {
    condition     = alltrue([for rule in aws_s3_bucket_lifecycle_configuration.objects[0].rule : length(rule.filter[0].tag) == 1 && rule.filter[0].tag[0].key == "superseded" if anytrue([for expiration in rule.expiration : try(expiration.days > 0, false) || try(length(expiration.date) > 0, false)])])
    error_message = "An expiry by age alone would take the newest object once nothing is written any more."
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.objects[0].rule : rule.id if anytrue([for expiration in rule.expiration : try(expiration.days == 30, false)])] == ["expire-superseded"]
    error_message = "One rule, and only one, must expire objects."
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.objects[0].rule : length(rule.filter[0].tag) if anytrue([for expiration in rule.expiration : try(expiration.expired_object_delete_marker, false)])] == [0]
    error_message = "An expiry leaves a delete marker, which has no tags: a rule without a tag must take it away."
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.objects[0].rule : rule.noncurrent_version_expiration[0].noncurrent_days if rule.filter[0].prefix == "latest.json"] == [1]
    error_message = "Replaced pointers must not pile up as versions of one key."
  }

  assert {
    condition     = toset(aws_s3_bucket_lifecycle_configuration.objects[0].rule[*].id) == toset(["expire-superseded", "expire-noncurrent", "expire-replaced-pointers", "abort-uploads"])
    error_message = "Objects, versions and unfinished uploads must not pile up."
  }
}

run "keeps_access_logs_when_asked" {
  command = plan

  variables {
    access_logs = { bucket_name = "logs" }
  }

  assert {
    condition     = aws_s3_bucket_logging.objects[0].target_prefix == "objects/"
    error_message = "Access logs must be kept under the bucket's name."
  }

  assert {
    condition     = strcontains(data.aws_iam_policy_document.logs[0].json, "logging.s3.amazonaws.com")
    error_message = "S3 must be allowed to deliver."
  }
}

run "names_the_code_by_its_content" {
  command = plan

  assert {
    condition     = aws_s3_object.code.key == "${filesha256("tests/code.txt")}.zip"
    error_message = "Changed code must be a new object."
  }
}

run "refuses_a_dot_in_the_name" {
  command = plan

  variables {
    bucket_name = "a.bucket"
  }

  expect_failures = [var.bucket_name]
}

run "refuses_one_bucket_for_both" {
  command = plan

  variables {
    artifacts_bucket_name = "objects"
  }

  expect_failures = [var.artifacts_bucket_name]
}

run "refuses_expiry_at_once" {
  command = plan

  variables {
    retention = { superseded_days = 0, noncurrent_days = 1 }
  }

  expect_failures = [var.retention]
}

run "refuses_a_bad_logs_bucket" {
  command = plan

  variables {
    access_logs = { bucket_name = "Logs" }
  }

  expect_failures = [var.access_logs]
}

run "refuses_an_empty_prefix" {
  command = plan

  variables {
    object_prefix = ""
  }

  expect_failures = [var.object_prefix]
}

run "refuses_a_pointer_among_the_objects" {
  command = plan

  variables {
    pointer_key = "hello_world_latest"
  }

  expect_failures = [var.pointer_key]
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

run "refuses_code_that_is_not_there" {
  command = plan

  variables {
    code_zip = "tests/missing.zip"
  }

  expect_failures = [var.code_zip]
}

run "refuses_logs_that_end_at_once" {
  command = plan

  variables {
    access_logs = { bucket_name = "logs", retention_days = 0 }
  }

  expect_failures = [var.access_logs]
}
