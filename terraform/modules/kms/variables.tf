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
  description = "Name of the key's alias, without the `alias/` prefix."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9/_-]{1,250}$", var.name)) && !startswith(var.name, "aws/")
    error_message = "name must be 1-250 letters, digits, '/', '_' or '-', and not start with 'aws/'."
  }
}

variable "description" {
  description = "What the key encrypts, as shown in the console."
  type        = string

  validation {
    condition     = length(var.description) <= 8192
    error_message = "description must be at most 8192 characters."
  }
}

variable "writer_role_arns" {
  description = "Roles that may encrypt and decrypt objects through S3."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.writer_role_arns : can(regex("^arn:[a-z0-9-]+:iam::[0-9]{12}:role/.+$", arn))])
    error_message = "writer_role_arns must be ARNs of IAM roles."
  }
}

variable "reader_role_arns" {
  description = "Roles that may decrypt objects through S3."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.reader_role_arns : can(regex("^arn:[a-z0-9-]+:iam::[0-9]{12}:role/.+$", arn))])
    error_message = "reader_role_arns must be ARNs of IAM roles."
  }
}

variable "replicator_role_arns" {
  description = "Roles that may encrypt the replicas that S3 makes of objects elsewhere."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.replicator_role_arns : can(regex("^arn:[a-z0-9-]+:iam::[0-9]{12}:role/.+$", arn))])
    error_message = "replicator_role_arns must be ARNs of IAM roles."
  }
}

variable "operator_arns" {
  description = "Roles and users of people who may read and write objects through S3: on call, and for a failback."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.operator_arns : can(regex("^arn:[a-z0-9-]+:iam::[0-9]{12}:(role|user)/.+$", arn))])
    error_message = "operator_arns must be ARNs of IAM roles or users, and not of a session or of the account."
  }
}

variable "log_group_names" {
  description = "CloudWatch log groups that the key may encrypt; `*` stands for any characters."
  type        = list(string)

  validation {
    condition     = length(var.log_group_names) > 0 && !contains(var.log_group_names, "*")
    error_message = "log_group_names must name at least one log group, and not all of them with a bare '*'."
  }
}

variable "rotation_enabled" {
  description = "Rotate the key material once a year."
  type        = bool
  default     = true
}

variable "deletion_window_days" {
  description = "Days between the deletion of the key and the loss of everything it encrypts."
  type        = number
  default     = 30

  validation {
    condition     = var.deletion_window_days >= 7 && var.deletion_window_days <= 30
    error_message = "deletion_window_days must be between 7 and 30."
  }
}
