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
  description = "Name of the application in CodeDeploy, and stem of its role's."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,52}$", var.name))
    error_message = "name must be 1-52 letters, digits, '_' or '-': the role's name is `<name>_deployments`."
  }
}

variable "deployment_config" {
  description = "How the traffic moves: a deployment configuration of CodeDeploy for Lambda."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_.-]{1,100}$", var.deployment_config))
    error_message = "deployment_config must be the name of a deployment configuration, such as CodeDeployDefault.LambdaCanary10Percent15Minutes."
  }
}

variable "functions" {
  description = "Functions by a short name: the alias that moves, the versions it serves and is to serve, and the alarms that move it back."
  type = map(object({
    name              = string
    alias_name        = string
    live_version      = string
    published_version = string
    alarm_names       = list(string)
  }))

  validation {
    condition     = alltrue([for function in var.functions : length(function.alarm_names) > 0])
    error_message = "functions need alarm_names: without alarms a gradual deployment only takes longer."
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
