variable "project" {
  description = "Stem of all names that are not fixed by the functions."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,16}[a-z0-9]$", var.project))
    error_message = "project must be 3-18 lower-case letters, digits or '-', and start with a letter."
  }
}

variable "environment" {
  description = "Environment: part of every name, and the stage of the API."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,9}$", var.environment))
    error_message = "environment must be 2-10 lower-case letters or digits, and start with a letter."
  }
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "bucket_name" {
  description = "Bucket that holds the objects; null for a name that is unique by project, environment, account and region."
  type        = string

  validation {
    condition     = var.bucket_name == null || can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name must be 3-63 lower-case letters, digits or '-'; a dot would break TLS."
  }
}

variable "replica_region" {
  description = "Region to replicate objects to, with a standby API there; null for none."
  type        = string
}

variable "failed_over" {
  description = "Write and serve in the replica region, because the other one fails."
  type        = bool

  validation {
    condition     = !var.failed_over || var.replica_region != null
    error_message = "failed_over needs a replica_region to fail over to."
  }
}

variable "domain" {
  description = "Name that clients use, and the public hosted zone of Route 53 that it is in; null for the URLs that API Gateway gives."
  type        = object({ name = string, zone_id = string })
}

variable "retention" {
  description = "Days after which objects with a newer one, and versions that were replaced or deleted, expire; null for never. The provider waits some 55 s for a lifecycle."
  type = object({
    superseded_days = number
    noncurrent_days = number
  })

  validation {
    condition     = var.retention == null || try(var.retention.superseded_days >= 1 && var.retention.noncurrent_days >= 1, false)
    error_message = "retention periods must be at least 1 day."
  }
}

variable "access_logs_enabled" {
  description = "Log every request to the objects' bucket and to the API."
  type        = bool
}

variable "force_destroy" {
  description = "Let destroy delete the buckets even when they hold objects."
  type        = bool
}

variable "deletion_protection" {
  description = "Refuse a destroy before it begins: otherwise all but the buckets that are full would go, the schedule and the API included."
  type        = bool
}

variable "operator_arns" {
  description = "IAM roles and users of people who may read and write objects by hand; the key lets nobody else, administrators included."
  type        = list(string)
}

variable "deployer_is_operator" {
  description = "Let the role or user that applies the stack read and write objects, too."
  type        = bool
}

variable "permissions_boundary_arn" {
  description = "IAM policy that bounds what the stack's roles may do, as many organisations demand; null for none."
  type        = string
}

variable "kms_rotation_enabled" {
  description = "Rotate the key's material once a year. Costs an apply 4 s: the provider waits for it, and the functions wait for the key."
  type        = bool
}

variable "kms_deletion_window_days" {
  description = "Days between the deletion of the key and the loss of everything it encrypts."
  type        = number
}

variable "lambda_zip" {
  description = "Path of the functions' zip."
  type        = string

  validation {
    condition     = fileexists(var.lambda_zip)
    error_message = "There is no zip at ${var.lambda_zip}. Build it with `uv run harness package` in the project's root."
  }
}

variable "architecture" {
  description = "Instruction set of the functions; the machine's own where an emulator runs them in containers."
  type        = string
}

variable "function_environment" {
  description = "Further environment variables of the functions; those that the stack sets itself win."
  type        = map(string)
}

variable "create_timeout_seconds" {
  description = "Time-out of the function that creates objects."
  type        = number
}

variable "retrieve_timeout_seconds" {
  description = "Time-out of the function that reads objects, below API Gateway's 29 s."
  type        = number
}

variable "create_reserved_concurrency" {
  description = "Invocations at a time set aside for the function that creates objects; -1 for no limit."
  type        = number
}

variable "retrieve_reserved_concurrency" {
  description = "Invocations at a time set aside for the function that reads objects; -1 for no limit."
  type        = number
}

variable "create_live_version" {
  description = "Version of the function that creates objects to roll back to; null for the newest."
  type        = string
}

variable "retrieve_live_version" {
  description = "Version of the function that reads objects to roll back to; null for the newest."
  type        = string
}

variable "gradual_deployment" {
  description = "Deployment configuration of CodeDeploy that moves the functions' aliases, such as `CodeDeployDefault.LambdaCanary10Percent15Minutes`; null for a move at once, by Terraform."
  type        = string

  validation {
    condition     = var.gradual_deployment == null || var.monitoring_enabled
    error_message = "gradual_deployment needs monitoring_enabled: an alarm is what moves an alias back."
  }
}

variable "dead_letter_queues_enabled" {
  description = "Keep events that failed or could not be delivered. Costs an apply 25 s: the provider waits for a queue."
  type        = bool
}

variable "monitoring_enabled" {
  description = "Alarms, their topic, and a dashboard."
  type        = bool
}

variable "alarm_emails" {
  description = "Addresses that are told of alarms; each has to confirm by mail."
  type        = list(string)
}

variable "log_level" {
  description = "Level of the functions' logs."
  type        = string

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], var.log_level)
    error_message = "log_level must be DEBUG, INFO, WARNING, ERROR or CRITICAL."
  }
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
}

variable "tracing_enabled" {
  description = "Trace the API and the functions with X-Ray. A trace has no calls to S3; those are in the log (`s3_ms`), at no price."
  type        = bool
}

variable "scheduler" {
  description = "What keeps the schedule: `rule` for an EventBridge rule, `scheduler` for EventBridge Scheduler."
  type        = string
}

variable "schedule_expression" {
  description = "How often an object is created: `rate(<n> minutes)`, `rate(<n> hours)` or `rate(<n> days)`."
  type        = string

  validation {
    condition = !var.monitoring_enabled || try(
      tonumber(regex("^rate\\(([0-9]+) ", var.schedule_expression)[0]) *
      { minute = 60, hour = 3600, day = 86400 }[regex(" (minute|hour|day)s?\\)$", var.schedule_expression)[0]] <= 86400,
      true # the module says what is wrong with it
    )
    error_message = "schedule_expression must be at most a day with monitoring_enabled: CloudWatch has no longer period to miss an object in."
  }
}

variable "schedule_enabled" {
  description = "Whether the schedule runs; the on-demand rule always does."
  type        = bool
}

variable "event_bus_name" {
  description = "Bus of the on-demand event."
  type        = string
}

variable "api_path_part" {
  description = "Path of the API below the stage; null for retrieve_most_recent_object_<environment>."
  type        = string
}

variable "api_authorization" {
  description = "`NONE` for an open API, `AWS_IAM` for signed requests only."
  type        = string
}

variable "api_key_required" {
  description = "Answer only requests that carry the API key in `x-api-key`."
  type        = bool
}

variable "api_throttling" {
  description = "Requests a second, steady and in a burst, that the API accepts."
  type = object({
    rate_per_second = number
    burst           = number
  })
}

variable "api_account_role_managed" {
  description = "Let this stack set the role that API Gateway logs with. An account has one in a region, for the APIs of all, so do so only in an account that is this stack's own. Matters with access logs only."
  type        = bool
}
