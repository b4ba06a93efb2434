"""Coverage of Terraform: which resources of a stack, and what parts of them, its tests have exercised."""

from harness.coverage.judge import judge
from harness.coverage.levels import Coverage, Covered, Level

__all__ = ["Coverage", "Covered", "Level", "judge"]
