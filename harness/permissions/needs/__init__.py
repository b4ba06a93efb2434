"""The permissions that a stack's functions need, because of their calls and their configuration."""

from harness.permissions.needs.calls import needs_of
from harness.permissions.needs.implied import needs_of_lambda
from harness.permissions.needs.need import Need

__all__ = ["Need", "needs_of", "needs_of_lambda"]
