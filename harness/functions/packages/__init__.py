"""The zips of Lambda functions, described by `[tool.harness.package]` and `[tool.harness.package.NAME]`."""

from harness.functions.packages.platforms import Platform
from harness.functions.packages.zips import (
    SyntaxCheck,
    build,
    build_all,
    by_zip,
    fits_here,
    select,
    sources,
    variables,
    watch_paths,
)

__all__ = [
    "Platform",
    "SyntaxCheck",
    "build",
    "build_all",
    "by_zip",
    "fits_here",
    "select",
    "sources",
    "variables",
    "watch_paths",
]
