"""Read an emulator's log from an offset on, and find the complaints in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MOST_COMPLAINTS = 10
# A level, an event that was not delivered (which LocalStack logs at INFO), or an answer that is the
# emulator's own fault.
_COMPLAINT = re.compile(r"\b(WARN|WARNING|ERROR|CRITICAL)\b|DeliveryFailure|=> 5\d\d\b")
# LocalStack warns of each of its own answers that has more in it than AWS's model: that harms nobody.
_HARMLESS = re.compile(
    r"protocol\.serializer\s+: Response object \w+ contains a member which is not specified"
)
_THREAD = re.compile(r"--- \[[^]]*\] ")
_MOMENT = re.compile(r"^\[?\d{4}-\d\d-\d\d[T ][\d:.,]+(?: [+-]\d{4}\])?\s*")
# The log format of Node.js and Python functions. An emulator may mix their lines with its own.
_OF_FUNCTION = re.compile(r"\S+Z\t\S+\t[A-Z]+\t|\[[A-Z]+\]\t|\[ERROR\] ")
_LONGEST = 500


def size(log: Path | None) -> int:
    """Return the size of a log in bytes, or 0 if there is none."""
    try:
        return log.stat().st_size if log else 0
    except OSError:
        return 0


def since(log: Path, offset: int, *, most: int) -> tuple[bytes, int]:
    """Return the part of `log` after its first `offset` bytes, and how many bytes are left out.

    Args:
        log: The file. If it has become shorter, it was started anew. It may have gone with the emulator.
        offset: The earlier result of `size`.
        most: How many bytes to return at most, the last ones.
    """
    end = size(log)
    if not end:
        return b"", 0
    wanted = offset if offset <= end else 0
    start = max(wanted, end - most)
    with log.open("rb") as file:
        file.seek(start)
        return file.read(end - start), start - wanted


def complaints(text: str) -> list[str]:
    """Return the last ten warnings and errors, each once and without its time and thread."""
    found = [
        _THREAD.sub("", _MOMENT.sub("", line))[:_LONGEST]
        for line in text.splitlines()
        if _COMPLAINT.search(line) and not _OF_FUNCTION.match(line) and not _HARMLESS.search(line)
    ]
    return list(dict.fromkeys(found))[-MOST_COMPLAINTS:]


def complaints_since(log: Path | None, offset: int) -> list[str]:
    """Return the emulator's complaints since its log was `offset` bytes long. Never raises."""
    if log is None:
        return []
    try:
        content, _ = since(log, offset, most=1024 * 1024)
    except OSError:
        return []
    return complaints(content.decode("utf-8", "replace"))
