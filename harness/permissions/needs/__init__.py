"""What the functions of a stack have needed: by their calls, and by how they are configured."""

from harness.permissions.needs.calls import needs_of
from harness.permissions.needs.implied import needs_of_lambda
from harness.permissions.needs.need import Need

__all__ = ["Need", "needs_of", "needs_of_lambda"]
