"""Texts, times and numbers as the report shows them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.report.results import TestResult

LONGEST_TEXT = 64 * 1024  # characters of a log that are shown
MOST_LINES = 1000  # lines of a log that are shown

_MINUTE = 60
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """The end of a text: its lines, and a note about the part that is left out, if any."""

    lines: Sequence[str]
    note: str


def excerpt(text: str) -> Excerpt:
    """Return as much of the end of `text` as the report shows, without colours and control characters."""
    lines = clean(text).rstrip("\n").split("\n")
    shown, room = lines[-MOST_LINES:], LONGEST_TEXT
    kept: list[str] = []
    for line in reversed(shown):
        if kept and len(line) >= room:
            break
        kept.insert(0, line[-room:])
        room -= len(line) + 1
    whole = len(kept) == len(lines) and kept[0] == lines[0]
    return Excerpt(lines=kept, note="" if whole else f"the end only: {len(kept):,} of {len(lines):,} lines")


def clean(text: str) -> str:
    """Return `text` without terminal colours, and with unprintable characters made visible."""
    plain = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _UNPRINTABLE.sub("�", plain)


def reason(test: TestResult) -> str:
    """Return the cause of a failure, or the main line of its message, which pytest marks with an E."""
    if test.cause:
        return clean(test.cause)
    lines = clean(test.message).strip().splitlines()
    marked = (line[1:].strip() for line in lines if line.startswith("E "))
    return next(marked, lines[0].strip() if lines else "")


def duration(seconds: float) -> str:
    """Return `seconds` as a person reads them, to three digits."""
    if seconds < 1:
        return f"{1000 * seconds:.3g} ms" if seconds else "0 s"
    if seconds < _MINUTE:
        return f"{seconds:.3g} s"
    return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE):02} s"


def instant(seconds: float) -> str:
    """Return a moment, in seconds since the epoch, as date and time."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def path(url: str) -> str:
    """Return the part of `url` that distinguishes requests: its path and query."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def csp_hash(content: str) -> str:
    """Return the hash by which a content security policy knows an inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def indent_json(text: str) -> str:
    """Format a JSON text with one line per value. Return any other text unchanged."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def ending(text: str) -> str:
    """Return the end of a text, slightly more of it than the report shows."""
    most = 2 * LONGEST_TEXT
    return (
        text
        if len(text) <= most
        else f"[{len(text) - most:,} characters before this are left out]\n{text[-most:]}"
    )


def printable(text: str) -> str:
    """Return `text` with unprintable characters made visible."""
    return _UNPRINTABLE.sub("�", text)
