output "replica_bucket_name" {
  description = "Bucket that holds the replicas."
  value       = module.s3.bucket_name
}

output "replica_kms_key_arn" {
  description = "Key that encrypts the replicas."
  value       = module.kms.key_arn
}

output "replication_role_arn" {
  description = "Role that S3 replicates with: the source's key must let it decrypt."
  value       = aws_iam_role.replication.arn
}

output "replication_rule_id" {
  description = "Id of the replication rule, a dimension of its metrics."
  value       = local.rule_id
}

output "standby_api_id" {
  description = "Id of the standby REST API."
  value       = module.api_gateway.api_id
}

output "standby_api_url" {
  description = "Public URL of the most recent replica."
  value       = module.api_gateway.url
}

output "standby_api_stage" {
  description = "Stage of the standby REST API, known once it exists."
  value       = module.api_gateway.stage_name
}

output "schedule_name" {
  description = "Rule that runs on the schedule while the other region fails; null if EventBridge Scheduler keeps it."
  value       = module.eventbridge.schedule_rule_name
}

output "alarm_topic_arn" {
  description = "Topic of this region's alarms; null without monitoring."
  value       = one(module.monitoring[*].topic_arn)
}
