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
  description = "Stem of the names of topic, alarms and dashboard."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,200}$", var.name))
    error_message = "name must be 1-200 letters, digits, '_' or '-'."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts what is watched: whoever disables it, schedules its deletion or changes its policy is told of."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key, not its id and not an alias."
  }
}

variable "alarm_emails" {
  description = "Addresses that are told of alarms; each has to confirm by mail."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@[:space:]]+@[^@[:space:]]+$", address))])
    error_message = "alarm_emails must be mail addresses."
  }
}

variable "functions" {
  description = "Functions to watch, by a short name for their alarms; how often one runs that a schedule calls, and whether events are queued for it."
  type = map(object({
    name             = string
    timeout_seconds  = number
    interval_seconds = optional(number, 60)
    asynchronous     = optional(bool, false)
  }))

  validation {
    condition     = alltrue([for function in var.functions : function.timeout_seconds > 0 && function.interval_seconds % 60 == 0 && can(regex("^[a-zA-Z0-9_-]{1,64}$", function.name))])
    error_message = "functions need a name of 1-64 letters, digits, '_' or '-', timeout_seconds above 0, and interval_seconds in whole minutes."
  }
}

variable "api" {
  description = "API to watch, the latency its slowest twentieth should stay below, the share of 5XX that is still well, and the metric that counts throttled requests."
  type = object({
    name          = string
    stage         = string
    latency_ms    = optional(number, 2000)
    error_percent = optional(number, 1)
    throttled     = optional(object({ namespace = string, name = string }))
  })

  validation {
    condition     = length(var.api.name) > 0 && length(var.api.stage) > 0 && var.api.latency_ms > 0 && var.api.error_percent > 0
    error_message = "api needs a name, a stage, and latency_ms and error_percent above 0."
  }
}

variable "freshness" {
  description = "Metric that counts new objects, the interval in which one is due, and whether any is due at all."
  type = object({
    namespace        = string
    metric           = string
    dimensions       = map(string)
    interval_seconds = number
    alarm_enabled    = optional(bool, true)
  })

  validation {
    condition     = var.freshness.interval_seconds % 60 == 0 && var.freshness.interval_seconds >= 60 && var.freshness.interval_seconds <= 86400
    error_message = "freshness.interval_seconds must be whole minutes, at most a day: CloudWatch has no longer period."
  }
}

variable "reads" {
  description = "Namespace and dimensions of the metrics that the reader publishes, for the dashboard; null for none."
  type = object({
    namespace  = string
    dimensions = map(string)
  })
  default = null

  validation {
    condition     = var.reads == null || try(length(var.reads.namespace) > 0 && length(var.reads.dimensions) > 0, false)
    error_message = "reads needs a namespace and at least one dimension."
  }
}

variable "rule_names" {
  description = "EventBridge rules that have to reach their targets."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for name in var.rule_names : can(regex("^[a-zA-Z0-9._-]{1,64}$", name))])
    error_message = "rule_names must be names of EventBridge rules, not ARNs."
  }
}

variable "dead_letter_queue_names" {
  description = "Queues in which nothing should wait."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for name in var.dead_letter_queue_names : can(regex("^[a-zA-Z0-9_-]{1,80}$", name))])
    error_message = "dead_letter_queue_names must be names of standard SQS queues, not ARNs or URLs."
  }
}

variable "replication" {
  description = "Replication rule to watch; null for none."
  type = object({
    source_bucket      = string
    destination_bucket = string
    rule_id            = string
  })
  default = null

  validation {
    condition     = var.replication == null || try(var.replication.source_bucket != var.replication.destination_bucket && length(var.replication.rule_id) > 0, false)
    error_message = "replication needs two different buckets and a rule_id."
  }
}
