"""A plugin of coverage.py that reports the lines of Node.js functions.

`plugins = ["harness.coverage.nodejs"]` in its configuration loads it. It measures nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, override

from coverage import CoveragePlugin, FileReporter

from harness.coverage.v8 import lines_of_code

if TYPE_CHECKING:
    from coverage.plugin_support import Plugins


def coverage_init(registry: Plugins, _options: object) -> None:
    """Register the plugin: as one that may configure, so that coverage.py's fast tracers stay in use."""
    registry.add_configurer(NodeJs())


class NodeJs(CoveragePlugin):
    """Reports JavaScript files."""

    @override
    def file_reporter(self, filename: str) -> FileReporter:
        """Return what tells the lines of a file."""
        return _File(filename)


class _File(FileReporter):
    """A JavaScript file."""

    @override
    def lines(self) -> set[int]:
        """Return the lines that can run, as V8 sees it: all that are not blank or a comment."""
        return lines_of_code(self.source())
