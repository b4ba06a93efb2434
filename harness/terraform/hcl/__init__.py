"""Terraform's files: their declarations, a scratch copy of a root, and the overrides in the copy."""
