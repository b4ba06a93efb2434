output "environment" {
  description = "Environment of the stack."
  value       = module.system.environment
}

output "region" {
  description = "Region of the stack."
  value       = module.system.region
}

output "account_id" {
  description = "Account of the stack."
  value       = module.system.account_id
}

output "bucket_name" {
  description = "Bucket that holds the objects and the pointer."
  value       = module.system.bucket_name
}

output "object_prefix" {
  description = "Prefix of the timestamped objects' keys."
  value       = module.system.object_prefix
}

output "pointer_key" {
  description = "Key of the object that points to the newest one."
  value       = module.system.pointer_key
}

output "kms_key_arn" {
  description = "Key that encrypts the objects."
  value       = module.system.kms_key_arn
}

output "operator_arns" {
  description = "Roles and users of people who may read and write objects by hand."
  value       = module.system.operator_arns
}

output "create_function_name" {
  description = "Function that creates objects."
  value       = module.system.create_function_name
}

output "create_function_arn" {
  description = "ARN to invoke to create an object: the alias that serves."
  value       = module.system.create_function_arn
}

output "retrieve_function_name" {
  description = "Function that reads the most recent object."
  value       = module.system.retrieve_function_name
}

output "retrieve_function_arn" {
  description = "ARN to invoke to read the most recent object: the alias that serves."
  value       = module.system.retrieve_function_arn
}

output "api_id" {
  description = "Id of the REST API."
  value       = module.system.api_id
}

output "api_stage" {
  description = "Stage of the API."
  value       = module.system.api_stage
}

output "api_path" {
  description = "Path below the stage, with its leading slash."
  value       = module.system.api_path
}

output "api_execution_arn" {
  description = "ARN that calls to the API are authorized against, without stage, method and path."
  value       = module.system.api_execution_arn
}

output "api_url" {
  description = "Public URL of the most recent object."
  value       = module.system.api_url
}

output "public_url" {
  description = "URL of the most recent object for clients: of the domain, or else of the region that serves."
  value       = module.system.public_url
}

output "api_key" {
  description = "Key that clients send in `x-api-key`; null where none is required."
  value       = module.system.api_key
  sensitive   = true
}

output "event_bus_name" {
  description = "Bus of the on-demand event."
  value       = module.system.event_bus_name
}

output "event_source" {
  description = "Source of the on-demand event."
  value       = module.system.event_source
}

output "event_detail_type" {
  description = "Detail type of the on-demand event."
  value       = module.system.event_detail_type
}

output "schedule_rule_name" {
  description = "Rule that runs on the schedule."
  value       = module.system.schedule_rule_name
}

output "on_demand_rule_name" {
  description = "Rule that runs on the on-demand event."
  value       = module.system.on_demand_rule_name
}

output "index_prefix" {
  description = "Prefix of the index entries' keys."
  value       = module.system.index_prefix
}

output "code_bucket_name" {
  description = "Bucket that holds the functions' code."
  value       = module.system.code_bucket_name
}

output "alarm_topic_arn" {
  description = "Topic that is told when an alarm goes on or off; null without monitoring."
  value       = module.system.alarm_topic_arn
}

output "replica_bucket_name" {
  description = "Bucket that holds the replicas; null without a replica region."
  value       = module.system.replica_bucket_name
}

output "standby_api_url" {
  description = "Public URL of the most recent replica; null without a replica region."
  value       = module.system.standby_api_url
}

output "standby_kms_key_arn" {
  description = "Key that encrypts the replicas; null without a replica region."
  value       = module.system.standby_kms_key_arn
}

output "standby_schedule_name" {
  description = "Rule that runs on the schedule while the home region fails; null without a replica region."
  value       = module.system.standby_schedule_name
}

output "standby_alarm_topic_arn" {
  description = "Topic of the alarms in the replica region; null without one, or without monitoring."
  value       = module.system.standby_alarm_topic_arn
}

output "deployments" {
  description = "For each function with a newer version than it serves, what `aws deploy create-deployment --cli-input-json` takes; empty without gradual_deployment."
  value       = module.system.deployments
}
