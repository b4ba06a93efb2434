output "bucket_name" {
  description = "Bucket that holds the objects and the pointer, known once it is versioned: replication asks for that."
  value       = aws_s3_bucket.objects.id
  depends_on  = [aws_s3_bucket_versioning.objects]
}

output "bucket_arn" {
  description = "ARN of the objects' bucket."
  value       = aws_s3_bucket.objects.arn
}

output "code" {
  description = "The functions' zip: bucket, key and the base64 of its SHA-256."
  value = {
    bucket        = aws_s3_object.code.bucket
    key           = aws_s3_object.code.key
    sha256_base64 = filebase64sha256(var.code_zip)
  }
}
