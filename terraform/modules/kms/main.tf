resource "aws_kms_key" "this" {
  description             = var.description
  enable_key_rotation     = var.rotation_enabled
  deletion_window_in_days = var.deletion_window_days
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}

# Apart from the key, because the provider waits for a policy to settle: what only needs the key's ARN goes on meanwhile.
resource "aws_kms_key_policy" "this" {
  key_id = aws_kms_key.this.key_id
  policy = data.aws_iam_policy_document.key.json
}
