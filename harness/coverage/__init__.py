"""Coverage of Terraform: the resources of a stack, and the parts of them, that its tests have exercised."""

from harness.coverage.judge import judged
from harness.coverage.levels import Coverage, Covered, Level

__all__ = ["Coverage", "Covered", "Level", "judged"]
