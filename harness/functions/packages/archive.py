"""Zips that have the same bytes on any machine."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from harness.base.files import locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    type Members = Mapping[PurePosixPath, Member]

# DOS time has no earlier moment: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.4.6
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Member:
    """A file for a zip.

    Attributes:
        file: The file with its content.
        is_executable: Whether Lambda may run it as a program.
    """

    file: Path
    is_executable: bool = False


def files_in(folder: Path, skipped: Callable[[PurePosixPath], bool]) -> Iterator[tuple[PurePosixPath, Path]]:
    """Yield the files below `folder` with their relative paths, without entering skipped directories."""
    for place, names, files in os.walk(folder):
        inside = PurePosixPath(Path(place).relative_to(folder).as_posix())
        names[:] = [name for name in names if not skipped(inside / name)]
        for name in files:
            if not skipped(inside / name) and (file := Path(place) / name).is_file():
                yield inside / name, file


def write_zip(members: Members, output: Path) -> Path:
    """Write a zip and return its path.

    The members are sorted and have a fixed time and mode. They are stored, not deflated, because compressors
    differ between machines. A zip that has not changed is left untouched.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    lock, fresh = files_beside(output)
    with locked(lock):
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_STORED) as archive:
            for name in sorted(members):
                archive.writestr(_entry(name, members[name]), members[name].file.read_bytes())
        if output.exists() and output.read_bytes() == fresh.read_bytes():
            fresh.unlink()
        else:
            fresh.replace(output)
    return output


def files_beside(output: Path) -> tuple[Path, Path]:
    """Return the lock of a zip, and the temporary file that becomes the zip."""
    return output.with_suffix(".lock"), output.with_suffix(".new")


def _entry(name: PurePosixPath, member: Member) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(str(name), _EPOCH)
    entry.create_system = 3  # Unix, wherever it is built
    entry.external_attr = (0o100755 if member.is_executable else 0o100644) << 16
    return entry
