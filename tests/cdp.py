# ruff: noqa: ANN401 # the protocol's values are any JSON
"""A minimal client of the Chrome DevTools Protocol, which Node.js speaks.

https://chromedevtools.github.io/devtools-protocol/v8/ over https://www.rfc-editor.org/rfc/rfc6455
"""

from __future__ import annotations

import itertools
import json
import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

import urllib3

from harness import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = 60.0  # seconds
_TEXT, _MASKED, _LONG, _LONGER = 0x81, 0x80, 126, 127


class DevTools:
    """An editor that has attached to a process of Node.js."""

    def __init__(self, connection: socket.socket, stream: BinaryIO) -> None:
        self._connection = connection
        self._stream = stream
        self._numbers = itertools.count(1)
        self._events: list[dict[str, Any]] = []

    @classmethod
    @contextmanager
    def attached(cls, port: int) -> Iterator[DevTools]:
        """Attach to the process that waits at a port, while the context is open."""
        target = urlsplit(
            eventually(lambda: _target(port), what=f"a debugger's port {port}", timeout=TIMEOUT)
        )
        with (
            socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection,
            connection.makefile("rb") as stream,
        ):
            made = cls(connection, stream)
            made._shake_hands(target.path, port)
            yield made

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the answer to a command."""
        number = next(self._numbers)
        self._send(json.dumps({"id": number, "method": method, "params": parameters}).encode())
        while (message := self._next()).get("id") != number:
            self._events.append(message)
        assert "error" not in message, message
        result: dict[str, Any] = message["result"]
        return result

    def event(self, method: str) -> dict[str, Any]:
        """Wait for an event, and return its parameters."""
        while True:
            for message in self._events:
                if message.get("method") == method:
                    self._events.remove(message)
                    found: dict[str, Any] = message["params"]
                    return found
            self._events.append(self._next())

    def _shake_hands(self, path: str, port: int) -> None:
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
        ]
        lines += ["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]
        lines += ["Sec-WebSocket-Version: 13", "", ""]
        self._connection.sendall("\r\n".join(lines).encode())
        assert b"101" in self._stream.readline()
        while self._stream.readline().strip():
            pass

    def _send(self, payload: bytes) -> None:
        mask, size = os.urandom(4), len(payload)
        assert size < 2**16, size
        length = bytes([_MASKED | size]) if size < _LONG else bytes([_MASKED | _LONG]) + size.to_bytes(2)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        self._connection.sendall(bytes([_TEXT]) + length + mask + masked)

    def _next(self) -> dict[str, Any]:
        _, size = self._stream.read(2)
        if size in {_LONG, _LONGER}:
            size = int.from_bytes(self._stream.read(2 if size == _LONG else 8))
        message: dict[str, Any] = json.loads(self._stream.read(size))
        return message


def _target(port: int) -> str:
    """Return the URL of the process, or an empty text if there is none yet."""
    try:
        answer = urllib3.request("GET", f"http://127.0.0.1:{port}/json/list", retries=False, timeout=5.0)
    except urllib3.exceptions.HTTPError:
        return ""
    return str(answer.json()[0]["webSocketDebuggerUrl"])
