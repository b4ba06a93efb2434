"""Map lines of a function's traceback to the project."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from harness.base.files import files_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# The directory of a function's code. The second is used by the executor `process` if it can't mount anything.
_FOLDERS = r"(?:/var/task|(?:/[\w.-]+)*/lambda-\w+/code/[0-9a-f]{16}-\w+)/"
# A line of a Python traceback, and one of a Node.js stack. Both end with the place.
_PLACE = re.compile(rf'(?:file://)?{_FOLDERS}(?P<path>[^\s":]+)(?=", line \d|:\d)')


@dataclass(frozen=True, slots=True)
class Sources:
    """The source files of a project.

    Attributes:
        root: Its folder. Paths are relative to it.
    """

    root: Path
    _known: dict[str, str] = field(default_factory=dict, repr=False)

    def with_lines(self, text: str) -> str:
        """Return `text` with the project's files in place of the functions', if the file is unique."""
        return _PLACE.sub(lambda found: self._file(found["path"]) or found[0], text)

    def relative(self, place: str) -> str:
        """Return a `file:line` relative to the project, or an empty text if the file is not in it."""
        file, _, line = place.rpartition(":")
        if not file or "site-packages" in Path(file).parts:
            return ""
        if not Path(file).is_absolute():
            return place
        return (
            f"{Path(file).relative_to(self.root).as_posix()}:{line}"
            if Path(file).is_relative_to(self.root)
            else ""
        )

    def _file(self, path: str) -> str:
        """Return the only file of the project whose path ends with `path`, or an empty text."""
        if path not in self._known:
            fitting = [
                each
                for each in self._files_named(PurePosixPath(path).name)
                if f"/{each}".endswith(f"/{path}")
            ]
            self._known[path] = fitting[0] if len(fitting) == 1 else ""
        return self._known[path]

    def _files_named(self, name: str) -> Iterator[str]:
        """Return the paths of all files of that name, without environments and build output."""
        return (file.relative_to(self.root).as_posix() for file in files_of(self.root) if file.name == name)
