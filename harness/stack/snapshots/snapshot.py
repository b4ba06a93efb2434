"""A snapshot: an applied stack in one file.

It is a zip with `manifest.json`, the emulator's state, and below `roots/` the files that Terraform has
written for each root. The emulator's state is a pickle, so its author can make the emulator run any code. The
harness therefore loads somebody else's snapshot only if you name it.
"""

from __future__ import annotations

import json
import os
import zipfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Self

from harness.errors import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORMAT = 1
_MANIFEST, _STATE, _ROOTS = "manifest.json", "emulator.state", "roots"
_PLUGINS = ".terraform"
_EXECUTABLE = 0o100


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that Terraform has written: its content, and whether it is executable."""

    content: bytes
    is_executable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """An applied stack.

    Attributes:
        emulator: A digest of everything that another emulator must share to understand the state.
        place: A digest that all snapshots of the same stack share.
        inputs: The fingerprint of the apply, from `Fingerprint.as_note`.
        address: The `host:port` of the emulator.
        about: A description for people: `backend`, `root`, `account` and `taken`, a time in UTC.
        state: The emulator's state.
        roots: The files that Terraform has written, by their path in the copy of a root. One entry per root,
            in the order of their applies, with the path of the copy.
    """

    emulator: str
    place: str
    inputs: Mapping[str, Any]
    address: str
    about: Mapping[str, str]
    state: bytes = field(repr=False)
    roots: tuple[tuple[str, Mapping[str, File]], ...] = field(repr=False)

    def write(self, file: Path) -> None:
        """Write it into a file that only you can read. An old file is replaced at once.

        Raises:
            OSError: It can't be written.
        """
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with NamedTemporaryFile(dir=file.parent, prefix=".", suffix=".part", delete=False) as part:
            try:
                self._pack(part)
                part.flush()
                Path(part.name).replace(file)
            except BaseException:
                with suppress(OSError):
                    Path(part.name).unlink()
                raise

    @classmethod
    def read(cls, file: Path) -> Self:
        """Return the snapshot in a file.

        Raises:
            SnapshotError: The file does not exist, is damaged, or is from another version of the harness.
        """
        try:
            with zipfile.ZipFile(file) as archive:
                return cls._unpack(archive, _checked(file, json.loads(archive.read(_MANIFEST))))
        except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError, EOFError) as problem:
            raise SnapshotError(file, f"it can't be read ({problem})") from problem

    @staticmethod
    def describe(file: Path) -> dict[str, str]:
        """Return the description of a snapshot without its content, or nothing if it can't be read."""
        try:
            with zipfile.ZipFile(file) as archive:
                return dict(json.loads(archive.read(_MANIFEST))["about"])
        except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError):
            return {}

    def _pack(self, file: Any) -> None:  # noqa: ANN401 - whatever zipfile writes to
        manifest = {
            "format": FORMAT,
            "emulator": self.emulator,
            "place": self.place,
            "inputs": self.inputs,
            "address": self.address,
            "about": self.about,
            "roots": [copy for copy, _ in self.roots],
        }
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr(_MANIFEST, json.dumps(manifest))
            archive.writestr(_STATE, self.state)
            for index, (_, files) in enumerate(self.roots):
                for name, each in files.items():
                    entry = zipfile.ZipInfo(f"{_ROOTS}/{index}/{name}")
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    entry.external_attr = (0o700 if each.is_executable else 0o600) << 16
                    archive.writestr(entry, each.content)

    @classmethod
    def _unpack(cls, archive: zipfile.ZipFile, manifest: Mapping[str, Any]) -> Self:
        files: list[dict[str, File]] = [{} for _ in manifest["roots"]]
        for entry in archive.infolist():
            path = PurePosixPath(entry.filename)
            if path.parts[0] == _ROOTS and not entry.is_dir():
                name = PurePosixPath(*path.parts[2:])
                if ".." in name.parts or name.is_absolute():
                    raise ValueError(f"a file outside of the stack, {entry.filename}")
                is_executable = bool(entry.external_attr >> 16 & _EXECUTABLE)
                files[int(path.parts[1])][str(name)] = File(
                    content=archive.read(entry), is_executable=is_executable
                )
        return cls(
            emulator=manifest["emulator"],
            place=manifest["place"],
            inputs=manifest["inputs"],
            address=manifest["address"],
            about=manifest["about"],
            state=archive.read(_STATE),
            roots=tuple(zip(manifest["roots"], files, strict=True)),
        )


def _checked(file: Path, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    if manifest["format"] != FORMAT:
        raise SnapshotError(
            file, f"it has format {manifest['format']}, and this harness reads format {FORMAT}"
        )
    return manifest


def files_in(folder: Path, names: Iterable[str]) -> dict[str, File]:
    """Return files below `folder`, by name."""
    return {
        name: File(content=(folder / name).read_bytes(), is_executable=os.access(folder / name, os.X_OK))
        for name in names
    }


def file_stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of each file below `folder`, except for those installed by `terraform init`."""
    found: dict[str, tuple[int, int]] = {}
    for place, names, files in os.walk(folder):
        if Path(place).name == _PLUGINS:
            names[:] = [name for name in names if name == "modules"]
            continue
        for name in files:
            file = Path(place) / name
            if not file.is_symlink():
                stat = file.stat()
                found[file.relative_to(folder).as_posix()] = (stat.st_size, stat.st_mtime_ns)
    return found
