"""Terraform's files: what they declare, a copy of all that a root reaches, and what the copy overrides."""
