variable "context" {
  description = "Where the objects are that are replicated: account, partition, region, and the partition's DNS suffix."
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

variable "replica_region" {
  description = "Region of the replicas and of the standby API; the provider `aws.replica` must be of that region."
  type        = string

  validation {
    condition     = var.replica_region != var.context.region
    error_message = "replica_region must be another region than the one that is replicated."
  }

  validation {
    condition     = can(regex("^[a-z]{2,4}(-[a-z]+)+-[1-9]$", var.replica_region))
    error_message = "replica_region must be the name of an AWS region, such as eu-west-1."
  }
}

variable "name" {
  description = "Stem of the names of key, roles and API."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,52}$", var.name))
    error_message = "name must be 1-52 letters, digits, '_' or '-': the role's name is `<name>_replication`."
  }
}

variable "bucket_stem" {
  description = "Start of the buckets' names, which the region completes."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,42}$", var.bucket_stem))
    error_message = "bucket_stem must be 1-43 lower-case letters, digits or '-': region and purpose come after it."
  }
}

variable "replica_bucket_name" {
  description = "Bucket of the replicas; null for the stem and the region."
  type        = string
  default     = null

  validation {
    condition     = var.replica_bucket_name == null || can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.replica_bucket_name))
    error_message = "replica_bucket_name must be 3-63 lower-case letters, digits or '-'."
  }
}

variable "source_bucket_name" {
  description = "Bucket to replicate; it must be versioned."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.source_bucket_name))
    error_message = "source_bucket_name must be 3-63 lower-case letters, digits or '-'."
  }
}

variable "source_kms_key_arn" {
  description = "Key that encrypts the objects to replicate."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.source_kms_key_arn))
    error_message = "source_kms_key_arn must be the ARN of a KMS key, not its id and not an alias."
  }
}

variable "object_prefix" {
  description = "Prefix of the timestamped objects' keys."
  type        = string
}

variable "index_prefix" {
  description = "Prefix of the index entries' keys."
  type        = string
}

variable "pointer_key" {
  description = "Key of the object that points to the newest one."
  type        = string
}

variable "code_zip" {
  description = "Path of the functions' zip."
  type        = string
}

variable "reader" {
  description = "The function that reads, as at home; it gets the replicas' bucket in its environment."
  type = object({
    function_name         = string
    handler               = string
    architecture          = string
    timeout_seconds       = number
    environment_variables = map(string)
  })
}

variable "writer" {
  description = "The function that writes, as at home; it gets the replicas' bucket and their key in its environment."
  type = object({
    function_name         = string
    handler               = string
    architecture          = string
    timeout_seconds       = number
    environment_variables = map(string)
  })
}

variable "events" {
  description = "What invokes the writer, as at home; its schedule is on only while the other region fails."
  type = object({
    scheduler           = string
    schedule_expression = string
    schedule_enabled    = bool
    bus_name            = string
    source              = string
    detail_type         = string
  })
}

variable "dead_letter_queues_enabled" {
  description = "Keep events that failed or could not be delivered."
  type        = bool
  default     = false
}

variable "monitoring" {
  description = "Who is told of alarms in this region, the metric that counts new objects, and where the metrics of reads are; null for no alarms."
  type = object({
    alarm_emails = list(string)
    freshness    = object({ namespace = string, metric = string, dimensions = map(string) })
    reads        = object({ namespace = string, dimensions = map(string) })
  })
  default = null
}

variable "api_key" {
  description = "Key that clients of the API at home have, if one is required."
  type        = string
  default     = null
  sensitive   = true
}

variable "api" {
  description = "The API, as at home."
  type = object({
    stage_name           = string
    path_part            = string
    authorization        = string
    api_key_required     = bool
    throttling           = object({ rate_per_second = number, burst = number })
    access_logs_enabled  = bool
    account_role_managed = bool
  })
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

variable "access_logs_enabled" {
  description = "Keep access logs of the replicas' bucket."
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 30
}

variable "tracing_enabled" {
  description = "Trace the API and the function with X-Ray."
  type        = bool
  default     = true
}

variable "operator_arns" {
  description = "Roles and users of people who may read and write replicas through S3."
  type        = list(string)
  default     = []
}

variable "force_destroy" {
  description = "Delete the buckets even when they hold objects."
  type        = bool
  default     = false
}

variable "kms_deletion_window_days" {
  description = "Days between the deletion of the key and the loss of everything it encrypts."
  type        = number
  default     = 30
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
