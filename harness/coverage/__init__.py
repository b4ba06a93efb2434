"""Coverage of Terraform: which resources of a stack its tests have exercised."""

from harness.coverage.judge import judged
from harness.coverage.levels import Coverage, Covered, Level
from harness.coverage.sources import located

__all__ = ["Coverage", "Covered", "Level", "judged", "located"]
