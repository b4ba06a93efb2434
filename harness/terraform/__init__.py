"""Running Terraform in a scratch copy of a root."""
