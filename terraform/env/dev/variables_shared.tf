variable "project" {
  description = "Stem of all names that are not fixed by the functions."
  type        = string
  default     = "s3-lambda-api"
}

variable "region" {
  description = "AWS region."
  type        = string
  default     = "eu-north-1"

  validation {
    condition     = can(regex("^[a-z]{2,4}(-[a-z]+)+-[1-9]$", var.region))
    error_message = "region must be the name of an AWS region, such as eu-north-1."
  }
}

variable "bucket_name" {
  description = "Bucket that holds the objects; null for a name that is unique by project, environment, account and region."
  type        = string
  default     = null
}

variable "failed_over" {
  description = "Write and serve in the replica region, because the other one fails."
  type        = bool
  default     = false
}

variable "domain" {
  description = "Name that clients use, and the public hosted zone of Route 53 that it is in; null for the URLs that API Gateway gives."
  type        = object({ name = string, zone_id = string })
  default     = null
}

variable "operator_arns" {
  description = "IAM roles and users of people who may read and write objects by hand; the key lets nobody else, administrators included."
  type        = list(string)
  default     = []
}

variable "permissions_boundary_arn" {
  description = "IAM policy that bounds what the stack's roles may do, as many organisations demand; null for none."
  type        = string
  default     = null
}

variable "lambda_zip" {
  description = "Path of the functions' zip."
  type        = string
  default     = "../../../build/s3_lambda_api.zip"
}

variable "function_environment" {
  description = "Further environment variables of the functions; those that the stack sets itself win."
  type        = map(string)
  default     = {}
}

variable "create_timeout_seconds" {
  description = "Time-out of the function that creates objects."
  type        = number
  default     = 15
}

variable "retrieve_timeout_seconds" {
  description = "Time-out of the function that reads objects, below API Gateway's 29 s."
  type        = number
  default     = 10
}

variable "create_reserved_concurrency" {
  description = "Invocations at a time set aside for the function that creates objects; -1 for no limit."
  type        = number
  default     = -1
}

variable "retrieve_reserved_concurrency" {
  description = "Invocations at a time set aside for the function that reads objects; -1 for no limit."
  type        = number
  default     = -1
}

variable "create_live_version" {
  description = "Version of the function that creates objects to roll back to; null for the newest."
  type        = string
  default     = null
}

variable "retrieve_live_version" {
  description = "Version of the function that reads objects to roll back to; null for the newest."
  type        = string
  default     = null
}

variable "gradual_deployment" {
  description = "Deployment configuration of CodeDeploy that moves the functions' aliases, such as `CodeDeployDefault.LambdaCanary10Percent15Minutes`; null for a move at once, by Terraform."
  type        = string
  default     = null
}

variable "alarm_emails" {
  description = "Addresses that are told of alarms; each has to confirm by mail."
  type        = list(string)
  default     = []
}

variable "log_level" {
  description = "Level of the functions' logs."
  type        = string
  default     = "INFO"
}

variable "tracing_enabled" {
  description = "Trace the API and the functions with X-Ray. A trace has no calls to S3; those are in the log (`s3_ms`), at no price."
  type        = bool
  default     = false
}

variable "scheduler" {
  description = "What keeps the schedule: `rule` for an EventBridge rule, `scheduler` for EventBridge Scheduler."
  type        = string
  default     = "rule"
}

variable "schedule_expression" {
  description = "How often an object is created: `rate(<n> minutes)`, `rate(<n> hours)` or `rate(<n> days)`."
  type        = string
  default     = "rate(10 minutes)"
}

variable "schedule_enabled" {
  description = "Whether the schedule runs; the on-demand rule always does."
  type        = bool
  default     = true
}

variable "event_bus_name" {
  description = "Bus of the on-demand event."
  type        = string
  default     = "default"
}

variable "api_path_part" {
  description = "Path of the API below the stage; null for retrieve_most_recent_object_<environment>."
  type        = string
  default     = null
}

variable "api_key_required" {
  description = "Answer only requests that carry the API key in `x-api-key`."
  type        = bool
  default     = false
}

variable "api_throttling" {
  description = "Requests a second, steady and in a burst, that the API accepts."
  type = object({
    rate_per_second = number
    burst           = number
  })
  default = { rate_per_second = 50, burst = 100 }
}

variable "api_account_role_managed" {
  description = "Let this stack set the role that API Gateway logs with. An account has one in a region, for the APIs of all, so do so only in an account that is this stack's own. Matters with access logs only."
  type        = bool
  default     = false
}
