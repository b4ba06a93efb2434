"""The lines of JavaScript files, as coverage.py asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import override

from coverage import CoveragePlugin, FileReporter

from harness.coverage.nodejs.lines import lines_of_code


class NodeJs(CoveragePlugin):
    """Reports JavaScript files."""

    @override
    def file_reporter(self, filename: str) -> FileReporter:
        """Return what tells the lines of a file."""
        return _File(filename)


class _File(FileReporter):
    """A JavaScript file."""

    @override
    def source(self) -> str:
        """Return its text as Node.js reads it, whatever its bytes are."""
        return Path(self.filename).read_text("utf-8", "replace")

    @override
    def lines(self) -> set[int]:
        """Return the lines that can run, as V8 sees it: all that are not blank or a comment."""
        return lines_of_code(self.source())
