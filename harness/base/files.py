"""Files of a project, and files that others read while they are written."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOT_OF_THE_PROJECT = frozenset({"node_modules", "build", "dist", "artifacts", "__pycache__"})


def files_of(project: Path) -> Iterator[Path]:
    """Yield the files of a project, without environments and build output."""
    for folder, folders, files in os.walk(project):
        folders[:] = [
            each
            for each in folders
            if not each.startswith(".")
            and each not in _NOT_OF_THE_PROJECT
            and not Path(folder, each, "pyvenv.cfg").exists()
        ]
        yield from (Path(folder, each) for each in files)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Keep other processes from what a lock file stands for while the context is open."""
    from filelock import FileLock  # noqa: PLC0415 - it imports asyncio: a fifth of a quick command's time

    with FileLock(file):
        yield


def replace_text(file: Path, text: str) -> None:
    """Replace the content of a file at once, so that a reader never sees half of it."""
    fresh = file.with_suffix(".new")
    fresh.write_text(text, "utf-8")
    fresh.replace(file)
