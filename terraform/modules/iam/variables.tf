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

variable "writer" {
  description = "Role that writes objects, the function that runs as it (its log group is the only one the role may write to) and the queue for events it failed on; null for no such role."
  type = object({
    role_name             = string
    function_name         = string
    dead_letter_queue_arn = optional(string)
  })
  default = null

  validation {
    condition     = var.writer == null || can(regex("^[a-zA-Z0-9+=,.@_-]{1,64}$", var.writer.role_name))
    error_message = "writer.role_name must be 1-64 letters, digits or '+=,.@_-'."
  }

  validation {
    condition     = var.writer == null || can(regex("^[a-zA-Z0-9_-]{1,64}$", var.writer.function_name))
    error_message = "writer.function_name must be 1-64 letters, digits, '_' or '-'."
  }

  validation {
    condition     = try(var.writer.dead_letter_queue_arn, null) == null || can(regex("^arn:[a-z0-9-]+:sqs:[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9_-]{1,80}$", var.writer.dead_letter_queue_arn))
    error_message = "writer.dead_letter_queue_arn must be the ARN of a standard SQS queue."
  }
}

variable "reader" {
  description = "Role that reads objects, and the function that runs as it: its log group is the only one the role may write to."
  type = object({
    role_name     = string
    function_name = string
  })

  validation {
    condition     = can(regex("^[a-zA-Z0-9+=,.@_-]{1,64}$", var.reader.role_name))
    error_message = "reader.role_name must be 1-64 letters, digits or '+=,.@_-'."
  }

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,64}$", var.reader.function_name))
    error_message = "reader.function_name must be 1-64 letters, digits, '_' or '-'."
  }
}

variable "bucket_name" {
  description = "Bucket that holds the objects."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name must be 3-63 lower-case letters, digits or '-'."
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

variable "index_prefix" {
  description = "Prefix of the index entries' keys."
  type        = string

  validation {
    condition     = length(var.index_prefix) > 0 && !strcontains(var.index_prefix, "*")
    error_message = "index_prefix must not be empty and must not contain '*'."
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

variable "tracing_enabled" {
  description = "Let the functions send traces to X-Ray."
  type        = bool
  default     = true
}

variable "permissions_boundary_arn" {
  description = "Policy that bounds what the roles may do, whatever their own policies say; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z0-9-]+:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of an IAM policy."
  }
}
