"""What a run has to clean up, noted on disk: should it be killed, `harness sweep` does it.

An entry is a small file in the cache. It is written when a process or a folder comes to be, and removed when
that is gone. One whose owner is gone is that of a run that was killed.
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
        owner: The process that does that, if it lives; in the form that `owner` returns.
        what: What it is, in words.
        pid: The process to end, with its whole session; 0 for none.
        created: When that process started, in seconds since the epoch.
        folder: The folder to remove; empty for none.
        root: Terraform's root in that folder that is applied on an AWS that stays; empty for none.
        variables: The variables that it was applied with.
    """

    owner: str
    what: str
    pid: int = 0
    created: float = 0.0
    folder: str = ""
    root: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def noted(cache_dir: Path, what: str, **details: Any) -> Iterator[None]:  # noqa: ANN401 - fields of an entry
    """Keep an entry while the context is open.

    Args:
        cache_dir: Where the journal is.
        what: What it is, in words.
        details: Further fields of the entry.
    """
    file = note(cache_dir, what, **details)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def note(cache_dir: Path, what: str, **details: Any) -> Path:  # noqa: ANN401 - fields of an entry
    """Write an entry, which the caller removes, and return its file; the arguments are those of `noted`."""
    file = cache_dir / _FOLDER / f"{os.getpid()}-{uuid4().hex[:8]}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(Entry(owner=owner(), what=what, **details))), "utf-8")
    return file


def orphans(cache_dir: Path) -> dict[Path, Entry]:
    """Return the entries of runs that were killed, by their files."""
    found = {file: _read(file) for file in sorted((cache_dir / _FOLDER).glob("*.json"))}
    return {file: entry for file, entry in found.items() if entry is not None and is_orphan(entry.owner)}


def clear_orphans(cache_dir: Path) -> None:
    """Clear what killed runs have left on this machine; what only Terraform can remove stays noted."""
    for file, entry in orphans(cache_dir).items():
        if not entry.root:
            clear(file, entry)


def clear(file: Path, entry: Entry) -> None:
    """Do what `entry` notes, save what only Terraform can do, and forget it."""
    for member in process.session_members(entry.pid) if entry.pid else []:
        with suppress(psutil.NoSuchProcess):
            if member.create_time() >= entry.created:  # the number may be in use again: then it is older
                member.kill()
    if entry.folder:
        process.kill_those_in(Path(entry.folder))
        shutil.rmtree(entry.folder, ignore_errors=True)
    file.unlink(missing_ok=True)


def owner() -> str:
    """Return a name of this process that no other one ever has."""
    return f"{socket.gethostname()}/{os.getpid()}/{int(psutil.Process().create_time())}"


def is_orphan(owner: str) -> bool:
    """Whether the process that `owner` names ran on this machine and is gone."""
    host, pid, created = owner.rsplit("/", 2)
    if host != socket.gethostname():
        return False
    try:
        return int(psutil.Process(int(pid)).create_time()) != int(created)
    except psutil.NoSuchProcess:
        return True


def _read(file: Path) -> Entry | None:
    try:
        return Entry(**json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # it is being written or removed, or is another version's
