variable "environment" {
  description = "Environment: part of every name."
  type        = string
  default     = "dev"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,9}$", var.environment))
    error_message = "environment must be 2-10 lower-case letters or digits, and start with a letter."
  }
}

variable "region" {
  description = "AWS region."
  type        = string
  default     = "eu-north-1"
}

variable "lambda_zip" {
  description = "Path of the function's code."
  type        = string
}

variable "function_timeout_seconds" {
  description = "How long the function may take for one batch."
  type        = number
  default     = 10
}

variable "visibility_timeout_seconds" {
  description = "How long a message that was received stays hidden: after it, one that failed comes back."
  type        = number
  default     = 60

  validation {
    condition     = var.visibility_timeout_seconds >= var.function_timeout_seconds
    error_message = "visibility_timeout_seconds must be at least function_timeout_seconds, or messages come back while they are handled."
  }
}

variable "batching_window_seconds" {
  description = "How long a batch is collected before the function gets it."
  type        = number
  default     = 0
}

variable "max_receives" {
  description = "How often a message is tried before it goes to the dead-letter queue."
  type        = number
  default     = 5
}

variable "log_retention_days" {
  description = "How long the function's log is kept."
  type        = number
  default     = 30
}
