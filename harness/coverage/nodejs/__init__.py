"""Node.js functions in a measurement of coverage.py, as a plugin of it that reports their lines.

`plugins = ["harness.coverage.nodejs"]` in its configuration loads the plugin. It measures nothing itself.
https://coverage.readthedocs.io/en/latest/plugins.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.coverage.nodejs.bundles import Source, sources_of
from harness.coverage.nodejs.lines import Range, Script

if TYPE_CHECKING:
    from coverage.plugin_support import Plugins

__all__ = ["PLUGIN", "TRACER", "Range", "Script", "Source", "coverage_init", "sources_of"]

PLUGIN = __name__
TRACER = f"{PLUGIN}.NodeJs"  # as coverage.py names it: its module and class


def coverage_init(registry: Plugins, _options: object) -> None:
    """Register the plugin: as one that may configure, so that coverage.py's fast tracers stay in use."""
    from harness.coverage.nodejs.reporter import NodeJs  # noqa: PLC0415 - it needs coverage.py, an extra

    registry.add_configurer(NodeJs())
