"""All settings, read once from the environment and the project's `[tool.harness]` table."""

from harness.settings.forms import parse_assignments
from harness.settings.packages import PackageSettings
from harness.settings.project import Settings
from harness.settings.roots import RootSettings

__all__ = ["PackageSettings", "RootSettings", "Settings", "parse_assignments"]
