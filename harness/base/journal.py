"""A journal on disk of everything that a run has to clean up, for `harness sweep` after a killed run.

An entry is a small file in the cache. The harness writes it when it starts a process or creates a folder, and
removes it once that is gone. If the owner of an entry is gone, its run was killed.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psutil

from harness.base import process

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

log = logging.getLogger(__name__)

_FOLDER = "journal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing to clean up.

    Attributes:
        owner: The process that cleans up if it still lives, in the form of `owner`.
        what: A description.
        pid: The process to stop, with its whole session. 0 for none.
        started: The `process.start_time` of that process.
        folder: The folder to remove. Empty for none.
        root: The Terraform root in that folder, if it is applied on an AWS that stays. Empty for none.
        variables: The variables of that apply.
    """

    owner: str
    what: str
    pid: int = 0
    started: float = 0.0
    folder: str = ""
    root: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def noted(cache_dir: Path, what: str, **details: Any) -> Iterator[None]:  # noqa: ANN401 - fields of an entry
    """Keep an entry while the context is open.

    Args:
        cache_dir: The directory with the journal.
        what: A description.
        details: Further fields of the entry.
    """
    file = note(cache_dir, what, **details)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def note(cache_dir: Path, what: str, **details: Any) -> Path:  # noqa: ANN401 - fields of an entry
    """Write an entry and return its file.

    The caller removes it. The arguments are those of `noted`.
    """
    file = cache_dir / _FOLDER / f"{os.getpid()}-{uuid4().hex[:8]}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(Entry(owner=owner(), what=what, **details))), "utf-8")
    return file


def orphans(cache_dir: Path) -> dict[Path, Entry]:
    """Return the entries of killed runs, by file."""
    found = {file: _read(file) for file in sorted((cache_dir / _FOLDER).glob("*.json"))}
    return {file: entry for file, entry in found.items() if entry is not None and is_orphan(entry.owner)}


def clear_orphans(cache_dir: Path) -> None:
    """Clean up after killed runs on this machine. Entries that need Terraform stay."""
    for file, entry in orphans(cache_dir).items():
        if not entry.root:
            clear(file, entry)


def clear(file: Path, entry: Entry) -> None:
    """Clean up one `entry`, except for the part that needs Terraform, and remove its file."""
    for member in _members(entry) if entry.pid else []:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    if entry.folder:
        process.kill_those_in(Path(entry.folder))
        shutil.rmtree(entry.folder, ignore_errors=True)
    file.unlink(missing_ok=True)


def _members(entry: Entry) -> list[psutil.Process]:
    """Return the live processes of an entry's session, or none if its number is in use again.

    While a session has members, the system gives its number to no other process.
    """
    with suppress(psutil.NoSuchProcess):  # its first process has ended, and others may not have
        if process.start_time(entry.pid) != entry.started:
            return []
    return process.session_members(entry.pid)


def owner() -> str:
    """Return a name of this process that no other one ever has."""
    return f"{socket.gethostname()}/{os.getpid()}/{process.start_time(os.getpid())}"


def is_orphan(owner: str) -> bool:
    """Whether the process that `owner` names ran on this machine and is gone."""
    host, pid, started = owner.rsplit("/", 2)
    if host != socket.gethostname():
        return False
    try:
        return process.start_time(int(pid)) != float(started)
    except psutil.NoSuchProcess:
        return True


def _read(file: Path) -> Entry | None:
    try:
        return Entry(**json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # it is being written or removed, or is another version's
