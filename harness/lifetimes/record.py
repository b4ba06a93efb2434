"""The record of what is kept when a run ends: a folder with notes in JSON, and a lock beside it."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.backends import emulator
from harness.base import process
from harness.base.files import locked
from harness.lifetimes import keeper
from harness.values import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.lifetimes.keeper import Keeper

BACKEND, STACK, AHEAD = "backend.json", "stack.json", "ahead.json"  # the notes
_KEPT = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The record of one kept backend and stack.

    Attributes:
        folder: Its directory, which need not exist.
    """

    folder: Path

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Lock it against other processes while the context is open."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.folder.parent.chmod(0o700)  # the notes and the state have sensitive values
        with locked(self.folder.with_suffix(".lock")):
            yield

    def keeper(self) -> Keeper | None:
        """Return the process that holds the backend, or None if there is none."""
        return keeper.find(self.keeper_folder)

    @property
    def keeper_folder(self) -> Path:
        """The directory of that process."""
        return self.folder / "backend"

    def read(self, note: str) -> dict[str, Any]:
        """Return the values of a note. They are empty if there is none, or if it is damaged."""
        try:
            noted = json.loads((self.folder / note).read_text("utf-8"))
        except (FileNotFoundError, ValueError):  # a killed run may have written half of it
            return {}
        return noted if isinstance(noted, dict) else {}

    def write(self, note: str, **values: object) -> None:
        """Write a note."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / note).write_text(json.dumps(values), "utf-8")

    def remove(self, note: str) -> None:
        """Remove a note, if there is one."""
        (self.folder / note).unlink(missing_ok=True)

    def forget(self) -> None:
        """Remove the whole record."""
        shutil.rmtree(self.folder, ignore_errors=True)


def folder_of(cache_dir: Path, name: str) -> Path:
    """Return the directory of the record with this name."""
    return cache_dir / _KEPT / name


def sweep(cache_dir: Path) -> list[Path]:
    """Forget stacks whose kept backend has ended together with them, and return their folders.

    A stack on an AWS that outlives the harness stays recorded, so that `KeptStack.stop` can destroy it.
    """
    folders = [folder for folder in sorted((cache_dir / _KEPT).glob("*")) if folder.is_dir()]
    return [folder for folder in folders if _forget_if_ended(Record(folder=folder))]


def _forget_if_ended(record: Record) -> bool:
    with record.exclusive():
        noted, running = record.read(BACKEND), record.keeper()
        is_in_use = bool(running) or not noted.get("ends", False)
        if is_in_use and not _has_ended(noted):
            return False
        if running:
            running.stop()
        process.kill_those_in(record.folder)
        shutil.rmtree(record.folder)
    return True


def _has_ended(noted: Mapping[str, Any]) -> bool:
    """Whether the URL of the recorded emulator no longer answers."""
    url = noted.get("url")
    return bool(url) and not emulator.answers(Endpoint(backend="kept", url=str(url), region=""))
