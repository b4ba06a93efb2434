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
