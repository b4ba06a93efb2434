variable "context" {
  description = "Where the module is deployed: account, partition, region, and the partition's DNS suffix."
  type = object({
    account_id = string
    partition  = string
    region     = string
    dns_suffix = string
  })

  validation {
    condition     = can(regex("^[0-9]{12}$", var.context.account_id))
    error_message = "context.account_id must be the 12 digits of an AWS account."
  }
}

variable "function_name" {
  description = "Name of the function."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,64}$", var.function_name))
    error_message = "function_name must be 1-64 letters, digits, '_' or '-'."
  }
}

variable "description" {
  description = "What the function does, as shown in the console."
  type        = string

  validation {
    condition     = length(var.description) <= 256
    error_message = "description must be at most 256 characters."
  }
}

variable "role_arn" {
  description = "Role that the function runs as."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z0-9-]+:iam::[0-9]{12}:role/.+$", var.role_arn))
    error_message = "role_arn must be the ARN of an IAM role."
  }
}

variable "handler" {
  description = "Python handler, `package.module.function`."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_]+(\\.[a-zA-Z0-9_]+)+$", var.handler))
    error_message = "handler must have the form package.module.function."
  }
}

variable "runtime" {
  description = "Lambda runtime."
  type        = string
  default     = "python3.13"

  validation {
    condition     = can(regex("^python3\\.1[2-9]$", var.runtime))
    error_message = "runtime must be python3.12 or newer: the package supports nothing older."
  }
}

variable "architecture" {
  description = "Instruction set: `arm64` costs a fifth less than `x86_64`."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be arm64 or x86_64."
  }
}

variable "memory_mb" {
  description = "Memory in MB; processor time grows with it."
  type        = number
  default     = 256

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 10240
    error_message = "memory_mb must be between 128 and 10240."
  }
}

variable "timeout_seconds" {
  description = "Time-out of one invocation, below the 29 s after which API Gateway gives up."
  type        = number
  default     = 10

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds < 29
    error_message = "timeout_seconds must be at least 1 and below API Gateway's limit of 29."
  }
}

variable "reserved_concurrency" {
  description = "Invocations at a time that are set aside for the function and that it may not exceed; -1 for no limit."
  type        = number
  default     = -1

  validation {
    condition     = var.reserved_concurrency >= -1
    error_message = "reserved_concurrency must be -1 (no limit), 0 (no invocation at all) or more."
  }
}

variable "code" {
  description = "The zip in S3: bucket, key and the base64 of its SHA-256."
  type = object({
    bucket        = string
    key           = string
    sha256_base64 = string
  })

  validation {
    condition     = can(regex("^[a-zA-Z0-9+/]{43}=$", var.code.sha256_base64))
    error_message = "code.sha256_base64 must be the base64 of a SHA-256, as filebase64sha256 gives it."
  }
}

variable "live_version" {
  description = "Version that the alias serves, to roll back; null for the newest."
  type        = string
  default     = null

  validation {
    condition     = var.live_version == null || can(regex("^[1-9][0-9]*$", var.live_version))
    error_message = "live_version must be the number of a published version, or null."
  }
}

variable "gradual_deployment_enabled" {
  description = "Leave it to CodeDeploy to move the alias to a new version."
  type        = bool
  default     = false

  validation {
    condition     = !var.gradual_deployment_enabled || var.live_version == null
    error_message = "gradual_deployment_enabled and live_version exclude each other: either CodeDeploy moves the alias or Terraform."
  }
}

variable "environment_variables" {
  description = "Environment of the function. Not for secrets."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.environment_variables) : can(regex("^[a-zA-Z][a-zA-Z0-9_]+$", name))])
    error_message = "environment_variables must have names of letters, digits and '_' that start with a letter."
  }
}

variable "tracing_enabled" {
  description = "Trace invocations with X-Ray."
  type        = bool
  default     = true
}

variable "async_invocation" {
  description = "Age and retries of asynchronous events; null for a function that is only called synchronously."
  type = object({
    maximum_age_seconds = optional(number, 3600)
    maximum_retries     = optional(number, 2)
  })
  default = null

  validation {
    condition = var.async_invocation == null || try(
      var.async_invocation.maximum_age_seconds >= 60 && var.async_invocation.maximum_age_seconds <= 21600, false
    )
    error_message = "async_invocation.maximum_age_seconds must be between 60 and 21600."
  }

  validation {
    condition = var.async_invocation == null || try(
      var.async_invocation.maximum_retries >= 0 && var.async_invocation.maximum_retries <= 2, false
    )
    error_message = "async_invocation.maximum_retries must be 0, 1 or 2."
  }
}

variable "dead_letter_queue_enabled" {
  description = "Keep asynchronous events that failed in a queue. The provider waits some 25 s for a queue."
  type        = bool
  default     = false

  validation {
    condition     = !var.dead_letter_queue_enabled || var.async_invocation != null
    error_message = "dead_letter_queue_enabled needs async_invocation: synchronous calls have no dead letters."
  }
}

variable "log_retention_days" {
  description = "Days that the function's log is kept."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of the periods that CloudWatch Logs offers, such as 14, 30, 90 or 365."
  }
}

variable "log_kms_key_arn" {
  description = "Key that encrypts the function's log."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.log_kms_key_arn))
    error_message = "log_kms_key_arn must be the ARN of a KMS key, not its id and not an alias."
  }
}
