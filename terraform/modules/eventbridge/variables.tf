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
  description = "Stem of the rules' names."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9._-]{1,54}$", var.name))
    error_message = "name must be 1-54 letters, digits, '.', '_' or '-'."
  }
}

variable "schedule_expression" {
  description = "How often an object is created: `rate(<n> minutes)`, `rate(<n> hours)` or `rate(<n> days)`."
  type        = string
  default     = "rate(10 minutes)"

  validation {
    condition     = can(regex("^rate\\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\\)$", var.schedule_expression))
    error_message = "schedule_expression must be rate(1 minute|hour|day) or rate(<n> minutes|hours|days)."
  }
}

variable "scheduler" {
  description = "What keeps the schedule: `rule` for an EventBridge rule, `scheduler` for EventBridge Scheduler."
  type        = string
  default     = "rule"

  validation {
    condition     = contains(["rule", "scheduler"], var.scheduler)
    error_message = "scheduler must be rule or scheduler."
  }
}

variable "schedule_enabled" {
  description = "Whether the schedule runs; the on-demand rule always does."
  type        = bool
  default     = true
}

variable "event_bus_name" {
  description = "Bus of the on-demand event; schedules exist on the default bus only."
  type        = string
  default     = "default"

  validation {
    condition     = can(regex("^[a-zA-Z0-9._/-]{1,256}$", var.event_bus_name))
    error_message = "event_bus_name must be 1-256 letters, digits, '.', '_', '/' or '-': a name, not an ARN."
  }
}

variable "event_source" {
  description = "Source of the on-demand event."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9._-]{1,256}$", var.event_source)) && !startswith(var.event_source, "aws.")
    error_message = "event_source must be 1-256 letters, digits, '.', '_' or '-', and not start with 'aws.', which AWS keeps to itself."
  }
}

variable "event_detail_type" {
  description = "Detail type of the on-demand event."
  type        = string

  validation {
    condition     = length(var.event_detail_type) >= 1 && length(var.event_detail_type) <= 128
    error_message = "event_detail_type must be 1-128 characters."
  }
}

variable "function_name" {
  description = "Function that the rules may invoke."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,64}$", var.function_name))
    error_message = "function_name must be 1-64 letters, digits, '_' or '-': a name, not an ARN."
  }
}

variable "alias_name" {
  description = "Alias of the function that the rules may invoke."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,128}$", var.alias_name))
    error_message = "alias_name must be 1-128 letters, digits, '_' or '-'."
  }
}

variable "alias_arn" {
  description = "ARN of that alias, the target of the rules."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z0-9-]+:lambda:[a-z0-9-]+:[0-9]{12}:function:[a-zA-Z0-9_-]+:[a-zA-Z0-9_-]+$", var.alias_arn))
    error_message = "alias_arn must be the ARN of a function with its alias at the end."
  }
}

variable "dead_letter_queue_enabled" {
  description = "Keep events that could not be delivered in a queue. The provider waits some 25 s for a queue."
  type        = bool
  default     = false
}

variable "retry_policy" {
  description = "How long and how often EventBridge tries to deliver an event."
  type = object({
    maximum_age_seconds = number
    maximum_retries     = number
  })
  default = { maximum_age_seconds = 3600, maximum_retries = 10 }

  validation {
    condition     = var.retry_policy.maximum_age_seconds >= 60 && var.retry_policy.maximum_age_seconds <= 86400
    error_message = "retry_policy.maximum_age_seconds must be between 60 and 86400."
  }

  validation {
    condition     = var.retry_policy.maximum_retries >= 0 && var.retry_policy.maximum_retries <= 185
    error_message = "retry_policy.maximum_retries must be between 0 and 185."
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
