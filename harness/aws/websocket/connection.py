"""Connect to a WebSocket API, wherever it is deployed: https://www.rfc-editor.org/rfc/rfc6455."""

from __future__ import annotations

import base64
import json
import os
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPSConnection
from typing import TYPE_CHECKING, BinaryIO, Self
from urllib.parse import urlencode, urlsplit

from harness.aws.websocket import frames
from harness.base.polling import eventually
from harness.errors import ExpectationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from socket import socket

    from harness.aws.rest import Address

_CONNECT_TIMEOUT = 35.0  # seconds


@dataclass(slots=True)
class WebSocket:
    """An open connection: send messages, and wait for those that the API sends.

    Attributes:
        messages: All messages received so far, as text.
    """

    messages: list[str] = field(default_factory=list)
    _connection: socket = field(kw_only=True, repr=False)
    _stream: BinaryIO = field(kw_only=True, repr=False)
    _ended: threading.Event = field(default_factory=threading.Event, repr=False)

    @classmethod
    @contextmanager
    def connected(
        cls,
        address: Address,
        *,
        query: Mapping[str, str | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        ca: str = "",
    ) -> Iterator[Self]:
        """Connect to an API, yield the connection, and close it.

        Args:
            address: The address of the API's stage.
            query: Parameters of the query, for the route `$connect` and its authorizer.
            headers: Further headers.
            ca: A PEM file with a CA to trust.

        Raises:
            ExpectationError: The API refused the connection. `got` has its status and its answer.
        """
        url = urlsplit(address.url)
        http = _http(url.scheme, url.netloc, ca)
        path = (url.path or "/") + (f"?{urlencode(query, doseq=True)}" if query else "")
        try:
            http.request("GET", path, headers={**_handshake(address.host), **(headers or {})})
            answer = http.getresponse()
            if answer.status != HTTPStatus.SWITCHING_PROTOCOLS:
                got = f"{answer.status} {answer.read().decode('utf-8', 'replace')}".strip()
                raise ExpectationError(f"a connection to {address.url}", expected="101", got=got)
            http.sock.settimeout(None)
            opened = cls(_connection=http.sock, _stream=answer.fp)
            with opened._reading():
                yield opened
        finally:
            http.close()

    def send(self, message: object) -> None:
        """Send a text unchanged, or any other value as JSON."""
        text = message if isinstance(message, str) else json.dumps(message)
        self._write(frames.TEXT, text.encode())

    def wait_for(self, text: str = "", *, timeout: float = 30.0) -> str:
        """Wait for a message with `text` in it, and return the message.

        Raises:
            NotReachedError: No such message came in time. `last` has those that did.
        """
        messages = eventually(
            lambda: list(self.messages),
            until=lambda messages: any(text in message for message in messages),
            what=f"a message{f' with {text!r}' if text else ''} over the connection",
            timeout=timeout,
        )
        return next(message for message in messages if text in message)

    def wait_until_closed(self, *, timeout: float = 30.0) -> None:
        """Wait until the API has closed the connection.

        Raises:
            NotReachedError: It was still open after `timeout` seconds.
        """
        eventually(self._ended.is_set, what="the end of the connection", timeout=timeout)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        reader = threading.Thread(target=self._read, daemon=True)
        reader.start()
        try:
            yield
        finally:
            with suppress(OSError):  # it has ended already
                self._write(frames.CLOSE, b"")
            self._ended.wait(timeout=1)

    def _read(self) -> None:
        """Read messages until the connection ends."""
        parts = bytearray()
        with suppress(OSError, ValueError):  # the other side has ended
            while True:
                frame = frames.read(self._stream)
                match frame.kind:
                    case frames.CLOSE:
                        break
                    case frames.PING:
                        self._write(frames.PONG, frame.payload)
                    case frames.CONTINUATION | frames.TEXT | frames.BINARY:
                        parts += frame.payload
                        if frame.is_last:
                            self.messages.append(parts.decode("utf-8", "replace"))
                            parts.clear()
        self._ended.set()

    def _write(self, kind: int, payload: bytes) -> None:
        self._connection.sendall(frames.write(kind, payload))


def _http(scheme: str, place: str, ca: str) -> HTTPConnection:
    if scheme in {"wss", "https"}:
        context = ssl.create_default_context(cafile=ca or None)
        return HTTPSConnection(place, timeout=_CONNECT_TIMEOUT, context=context)
    return HTTPConnection(place, timeout=_CONNECT_TIMEOUT)


def _handshake(host: str) -> dict[str, str]:
    key = base64.b64encode(os.urandom(16)).decode()
    own = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
    }
    return own | ({"Host": host} if host else {})
