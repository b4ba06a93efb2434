# Known once the role can do its work: AWS checks some permissions when a function is told of its role.
output "writer_role_arn" {
  description = "ARN of the role that writes objects, known once its policy is set; null if there is none."
  value       = one(aws_iam_role.writer[*].arn)
  depends_on  = [aws_iam_role_policy.writer]
}

output "reader_role_arn" {
  description = "ARN of the role that reads objects, known once its policy is set."
  value       = aws_iam_role.reader.arn
  depends_on  = [aws_iam_role_policy.reader]
}
