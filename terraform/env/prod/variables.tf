variable "environment" {
  description = "Environment: part of every name, and the stage of the API."
  type        = string
  default     = "prod"
}

variable "tagging_enabled" {
  description = "Tag every resource with project and environment. Costs an apply 4 s: the provider waits for a key's tags."
  type        = bool
  default     = true
}

variable "replica_region" {
  description = "Region to replicate objects to, with a standby API there; null for none."
  type        = string
  default     = "eu-west-1"

  validation {
    condition     = var.replica_region == null || can(regex("^[a-z]{2,4}(-[a-z]+)+-[1-9]$", var.replica_region))
    error_message = "replica_region must be the name of an AWS region, such as eu-west-1. For none give null in a file (-var-file): after -var it is text."
  }

  validation {
    condition     = var.replica_region == null || var.replica_region != var.region
    error_message = "replica_region must be another region than region."
  }
}

variable "retention" {
  description = "Days after which objects with a newer one, and versions that were replaced or deleted, expire; null for never. The provider waits some 55 s for a lifecycle."
  type = object({
    superseded_days = number
    noncurrent_days = number
  })
  default = { superseded_days = 365, noncurrent_days = 30 }
}

variable "access_logs_enabled" {
  description = "Log every request to the objects' bucket and to the API."
  type        = bool
  default     = true
}

variable "force_destroy" {
  description = "Let destroy delete the buckets even when they hold objects."
  type        = bool
  default     = false
}

variable "deletion_protection" {
  description = "Refuse a destroy before it begins: otherwise all but the buckets that are full would go, the schedule and the API included."
  type        = bool
  default     = true
}

variable "deployer_is_operator" {
  description = "Let the role or user that applies the stack read and write objects, too."
  type        = bool
  default     = false
}

variable "kms_rotation_enabled" {
  description = "Rotate the key's material once a year. Costs an apply 4 s: the provider waits for it, and the functions wait for the key."
  type        = bool
  default     = true
}

variable "kms_deletion_window_days" {
  description = "Days between the deletion of the key and the loss of everything it encrypts."
  type        = number
  default     = 30
}

variable "architecture" {
  description = "Instruction set of the functions; the machine's own where an emulator runs them in containers."
  type        = string
  default     = "arm64"
}

variable "dead_letter_queues_enabled" {
  description = "Keep events that failed or could not be delivered. Costs an apply 25 s: the provider waits for a queue."
  type        = bool
  default     = true
}

variable "monitoring_enabled" {
  description = "Alarms, their topic, and a dashboard."
  type        = bool
  default     = true
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 365
}

variable "api_authorization" {
  description = "`NONE` for an open API, `AWS_IAM` for signed requests only."
  type        = string
  default     = "AWS_IAM"
}
