"""The permissions that a stack's functions need, because of their calls and their configuration."""

from harness.permissions.required.action import RequiredAction
from harness.permissions.required.calls import required_by_calls
from harness.permissions.required.implied import required_by_lambda

__all__ = ["RequiredAction", "required_by_calls", "required_by_lambda"]
