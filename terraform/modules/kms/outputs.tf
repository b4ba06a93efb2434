output "key_arn" {
  description = "ARN of the key, known as soon as the key exists."
  value       = aws_kms_key.this.arn
}

output "usable_key_arn" {
  description = "ARN of the key, known once its policy is set: for services that try the key when they are told of it."
  value       = aws_kms_key.this.arn
  depends_on  = [aws_kms_key_policy.this]
}

output "alias_arn" {
  description = "ARN of the key's alias."
  value       = aws_kms_alias.this.arn
}
