"""The frames of a WebSocket: https://www.rfc-editor.org/rfc/rfc6455#section-5.2."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_LAST = _MASKED = 0x80
_KIND = 0x0F
_LONG, _LONGER = 126, 127  # the length is in the next two, or eight, bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A frame that a server has sent.

    Attributes:
        kind: Its opcode.
        is_last: Whether it ends its message.
        payload: Its content.
    """

    kind: int
    is_last: bool
    payload: bytes


def read(stream: BinaryIO) -> Frame:
    """Read a server's frame, which is not masked.

    Raises:
        ValueError: The stream has ended.
    """
    first, length = stream.read(2)
    if length in {_LONG, _LONGER}:
        length = int.from_bytes(stream.read(2 if length == _LONG else 8))
    return Frame(kind=first & _KIND, is_last=bool(first & _LAST), payload=stream.read(length))


def write(kind: int, payload: bytes) -> bytes:
    """Return a client's frame, which is masked, with a whole message."""
    size, mask = len(payload), os.urandom(4)
    if size < _LONG:
        length = bytes([_MASKED | size])
    elif size < 1 << 16:
        length = bytes([_MASKED | _LONG]) + size.to_bytes(2)
    else:
        length = bytes([_MASKED | _LONGER]) + size.to_bytes(8)
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return bytes([_LAST | kind]) + length + mask + masked
