"""The cache of snapshots: one folder per stack, one file per snapshot. Old ones are removed."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import SnapshotError
from harness.stack.snapshots.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from harness.settings import Settings

log = logging.getLogger(__name__)

_FOLDER, _SUFFIX = "snapshots", ".snapshot"
_PART_AGE = 3600.0  # seconds after which an unfinished file must belong to a killed run
_DAY = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """The snapshots of this machine's user.

    Attributes:
        folder: The directory of the cache.
        megabytes: How much room they may take together.
        days: How long one is kept that nobody restores.
    """

    folder: Path
    megabytes: int
    days: int

    @classmethod
    def of(cls, settings: Settings) -> Cache:
        """Return the cache of `settings`."""
        return cls(
            folder=settings.cache_dir / _FOLDER,
            megabytes=settings.snapshot_megabytes,
            days=settings.snapshot_days,
        )

    def nearest(self, place: str, inputs: Mapping[str, Any]) -> Snapshot | None:
        """Return the snapshot of a stack with these inputs, else its newest one, or None if it has none.

        An unreadable file is removed, with a warning.
        """
        newest_first = sorted((self.folder / place[:16]).glob(f"*{_SUFFIX}"), key=_age)
        same = self._file(place, inputs)
        for file in sorted(newest_first, key=lambda each: each != same):
            try:
                found = Snapshot.read(file)
            except SnapshotError as problem:
                log.warning("%s; applying the stack instead", problem)
                file.unlink(missing_ok=True)
                continue
            file.touch()
            return found
        return None

    def add(self, snapshot: Snapshot) -> Path:
        """Store a snapshot, remove those that are too old or too many, and return its file.

        Raises:
            OSError: It can't be written.
        """
        file = self._file(snapshot.place, snapshot.inputs)
        snapshot.write(file)
        self.prune(but=file)
        return file

    def files(self) -> list[Path]:
        """Return the files of all snapshots, the newest first."""
        return sorted(self.folder.glob(f"*/*{_SUFFIX}"), key=_age)

    def remove(self, files: Iterable[Path] | None = None) -> list[Path]:
        """Remove snapshots, all by default, and return their files.

        Raises:
            SnapshotError: A file is not in this cache.
        """
        known = self.files()
        wanted = known if files is None else [file.absolute() for file in files]
        for file in wanted:
            if file not in known:
                raise SnapshotError(file, "it is none of those that `harness snapshot list` shows")
        for file in wanted:
            file.unlink(missing_ok=True)
        return wanted

    def prune(self, *, but: Path | None = None) -> None:
        """Remove snapshots that are unused for long, exceed the size limit, or were never finished.

        Args:
            but: A file that stays.
        """
        for file in (*self._too_old(), *self._too_many(), *self._unfinished()):
            if file != but:
                file.unlink(missing_ok=True)

    def _file(self, place: str, inputs: Mapping[str, Any]) -> Path:
        digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
        return self.folder / place[:16] / f"{digest[:16]}{_SUFFIX}"

    def _too_old(self) -> Iterator[Path]:
        return (file for file in self.files() if _age(file) > self.days * _DAY)

    def _too_many(self) -> Iterator[Path]:
        room = self.megabytes << 20
        for file in self.files():
            room -= _size(file)
            if room < 0:
                yield file

    def _unfinished(self) -> Iterator[Path]:
        return (file for file in self.folder.glob("*/.*.part") if _age(file) > _PART_AGE)


def _age(file: Path) -> float:
    """Return the seconds since a file was last used, or 0 if it is gone or its time is in the future."""
    try:
        return max(0.0, time.time() - file.stat().st_mtime)
    except FileNotFoundError:
        return 0.0


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
