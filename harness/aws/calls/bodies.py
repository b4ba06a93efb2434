"""The bodies of requests and answers in a request log, without secrets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.redaction import Redaction

_BODIES = ("request", "response")
_HINTS = tuple(f'"{name}": "'.encode() for name in _BODIES)


def without_secrets(log: bytes, redaction: Redaction) -> bytes:
    """Return the lines of a log with a mark in place of each secret in a body."""
    if not any(hint in log for hint in _HINTS):
        return log
    return b"".join(_line(line, redaction) for line in log.splitlines(keepends=True))


def _line(line: bytes, redaction: Redaction) -> bytes:
    try:
        told = json.loads(line)
    except ValueError:  # it was cut off
        return b""
    bodies = {name: redaction.text(told[name]) for name in _BODIES if name in told}
    return json.dumps(told | bodies).encode() + b"\n"
