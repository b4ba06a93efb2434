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

variable "bucket_name" {
  description = "Bucket that holds the objects and the pointer."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name must be 3-63 lower-case letters, digits or '-'; a dot would break TLS."
  }
}

variable "artifacts_bucket_name" {
  description = "Bucket that holds the functions' code."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.artifacts_bucket_name))
    error_message = "artifacts_bucket_name must be 3-63 lower-case letters, digits or '-'; a dot would break TLS."
  }

  validation {
    condition     = var.artifacts_bucket_name != var.bucket_name
    error_message = "artifacts_bucket_name must differ from bucket_name."
  }
}

variable "code_zip" {
  description = "Path of the functions' zip."
  type        = string

  validation {
    condition     = fileexists(var.code_zip)
    error_message = "code_zip must be the path of a file, and there is none at ${var.code_zip}."
  }
}

variable "object_prefix" {
  description = "Prefix of the timestamped objects' keys."
  type        = string

  validation {
    condition     = length(var.object_prefix) > 0 && !strcontains(var.object_prefix, "*")
    error_message = "object_prefix must not be empty and must not contain '*'."
  }
}

variable "pointer_key" {
  description = "Key of the object that points to the newest one."
  type        = string

  validation {
    condition     = length(var.pointer_key) > 0 && !startswith(var.pointer_key, var.object_prefix)
    error_message = "pointer_key must not be empty and must lie outside object_prefix."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the objects."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key, not its id and not an alias."
  }
}

variable "force_destroy" {
  description = "Delete the buckets even when they hold objects."
  type        = bool
  default     = false
}

variable "retention" {
  description = "Days after which objects with a newer one, and versions that were replaced or deleted, expire; null for never. The provider waits some 55 s for a lifecycle."
  type = object({
    superseded_days = number
    noncurrent_days = number
  })
  default = { superseded_days = 90, noncurrent_days = 30 }

  validation {
    condition     = var.retention == null || try(var.retention.superseded_days >= 1 && var.retention.noncurrent_days >= 1, false)
    error_message = "retention periods must be at least 1 day."
  }
}

variable "access_logs" {
  description = "Bucket for the access logs of the objects' bucket and days they are kept; null for none."
  type = object({
    bucket_name    = string
    retention_days = optional(number, 90)
  })
  default = null

  validation {
    condition     = var.access_logs == null || can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.access_logs.bucket_name))
    error_message = "access_logs.bucket_name must be 3-63 lower-case letters, digits or '-'."
  }

  validation {
    condition     = var.access_logs == null || try(var.access_logs.retention_days >= 1 && floor(var.access_logs.retention_days) == var.access_logs.retention_days, false)
    error_message = "access_logs.retention_days must be whole days, at least 1."
  }
}
