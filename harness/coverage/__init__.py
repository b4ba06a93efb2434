"""Coverage of Terraform: the resources of a stack, and the parts of them, that its tests have exercised."""

from harness.coverage.levels import Coverage, CoverageItem, Level

__all__ = ["Coverage", "CoverageItem", "Level"]
