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

variable "name" {
  description = "Name of the API."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,128}$", var.name))
    error_message = "name must be 1-128 letters, digits, '_' or '-'."
  }
}

variable "stage_name" {
  description = "Stage that the API is served from; the first segment of its path."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,128}$", var.stage_name))
    error_message = "stage_name must be 1-128 letters, digits, '_' or '-'."
  }
}

variable "path_part" {
  description = "Path of the resource, without slashes."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9._-]+$", var.path_part))
    error_message = "path_part must be letters, digits, '.', '_' or '-': one segment, without slashes or parameters."
  }
}

variable "invoke_arn" {
  description = "Integration URI of the function's alias."
  type        = string

  validation {
    condition     = can(regex(":lambda:path/2015-03-31/functions/.+:[a-zA-Z0-9_-]+/invocations$", var.invoke_arn))
    error_message = "invoke_arn must be the integration URI of a Lambda alias, as the lambda module gives it."
  }
}

variable "function_name" {
  description = "Function that the API may invoke."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,64}$", var.function_name))
    error_message = "function_name must be 1-64 letters, digits, '_' or '-': a name, not an ARN."
  }
}

variable "alias_name" {
  description = "Alias of the function that the API may invoke."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,128}$", var.alias_name))
    error_message = "alias_name must be 1-128 letters, digits, '_' or '-'."
  }
}

variable "authorization" {
  description = "`NONE` for an open API, `AWS_IAM` for signed requests only."
  type        = string
  default     = "NONE"

  validation {
    condition     = contains(["NONE", "AWS_IAM"], var.authorization)
    error_message = "authorization must be NONE or AWS_IAM."
  }
}

variable "api_key_required" {
  description = "Answer only requests that carry the API key in `x-api-key`."
  type        = bool
  default     = false
}

variable "api_key" {
  description = "The key itself, where another API has it already; null for one that API Gateway makes."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.api_key == null || try(length(var.api_key) >= 20 && length(var.api_key) <= 128, false)
    error_message = "api_key must be 20-128 characters."
  }
}

variable "throttling" {
  description = "Requests a second, steady and in a burst, that the stage accepts."
  type = object({
    rate_per_second = number
    burst           = number
  })
  default = { rate_per_second = 50, burst = 100 }

  validation {
    condition     = var.throttling.rate_per_second > 0 && var.throttling.burst >= 1
    error_message = "throttling needs rate_per_second above 0 and burst of at least 1."
  }
}

variable "quota_per_day" {
  description = "Requests a day that a client with an API key may make."
  type        = number
  default     = 100000

  validation {
    condition     = var.quota_per_day >= 1
    error_message = "quota_per_day must be at least 1."
  }
}

variable "tracing_enabled" {
  description = "Trace requests with X-Ray."
  type        = bool
  default     = true
}

variable "detailed_metrics_enabled" {
  description = "Metrics by method besides those of the stage. They cost extra."
  type        = bool
  default     = false
}

variable "access_logs" {
  description = "Retention and key of the JSON access log, and whether this stack sets the role that API Gateway logs with, of which an account has one in a region for all its APIs; null for no access log."
  type = object({
    retention_days       = number
    kms_key_arn          = string
    account_role_managed = optional(bool, false)
  })
  default = null

  validation {
    condition     = var.access_logs == null || try(contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.access_logs.retention_days), false)
    error_message = "access_logs.retention_days must be one of the periods that CloudWatch Logs offers, such as 14, 30, 90 or 365."
  }

  validation {
    condition     = var.access_logs == null || can(regex("^arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.access_logs.kms_key_arn))
    error_message = "access_logs.kms_key_arn must be the ARN of a KMS key, not its id and not an alias."
  }
}

variable "permissions_boundary_arn" {
  description = "Policy that bounds what the role may do, whatever its own policies say; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z0-9-]+:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of an IAM policy."
  }
}
