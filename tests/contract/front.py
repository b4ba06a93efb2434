"""A TLS front before an emulator, as AWS's own emulator is documented to be: its own CA, and its own keys.

https://docs.aws.amazon.com/emulator/latest/userguide/point-sdk-to-emulator.html
"""

from __future__ import annotations

import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, override

import trustme
import urllib3

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness import Endpoint

ACCESS_KEY = "AKIAFRONT"
BUCKET = "behind-tls"  # that it serves under a name of its own too
_REFUSAL = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>InvalidClientTokenId</Code><Message>The security token included in the request is invalid.</Message>
</Error></ErrorResponse>"""
_OF_A_CONNECTION = frozenset({"host", "connection", "content-length", "expect", "transfer-encoding"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request: the host that it was for, its path, and whether it was accepted."""

    host: str
    path: str
    accepted: bool


class TlsFront(ThreadingHTTPServer):
    """Hands requests that are signed with its keys on to an emulator.

    Attributes:
        emulator: The emulator.
        ca: The certificates of its CA.
        credentials: The file with its keys.
        seen: The requests so far.
    """

    def __init__(self, emulator: Endpoint, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost", f"{BUCKET}.localhost").configure_cert(context)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.emulator, self.seen = emulator, list[Seen]()
        self.ca, self.credentials = folder / "ca.pem", folder / "credentials"
        authority.cert_pem.write_to_path(str(self.ca))
        keys = f"aws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = secret\n"
        self.credentials.write_text(f"[default]\n{keys}", "utf-8")

    @override
    def handle_error(self, *_: object) -> None:
        """Log nothing about a client that does not trust the front."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: TlsFront

    def _hand_on(self) -> None:
        signature, body = self.headers.get("Authorization", ""), self._body()
        accepted = f"Credential={ACCESS_KEY}/" in signature
        host = self.headers["Host"].partition(":")[0]
        self.server.seen.append(Seen(host=host, path=self.path, accepted=accepted))
        if not accepted:
            self._answer(403, {"Content-Type": "text/xml"}, _REFUSAL.encode())
            return
        kept = {name: value for name, value in self.headers.items() if name.lower() not in _OF_A_CONNECTION}
        kept["Authorization"] = signature.replace(ACCESS_KEY, self.server.emulator.access_key)
        bucket = host.removesuffix("localhost").removesuffix(".").removesuffix("127.0.0.1")
        url = self.server.emulator.url + (f"/{bucket}" if bucket else "") + self.path
        with urllib3.PoolManager(retries=False) as http:
            answer = http.request(
                self.command, url, body=body, headers=kept, redirect=False, decode_content=False
            )
        self._answer(answer.status, dict(answer.headers.items()), answer.data)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _hand_on  # noqa: N815 - as the server calls them

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _OF_A_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def front(emulator: Endpoint, folder: Path) -> Iterator[TlsFront]:
    """Run a front before an emulator while the context is open."""
    server = TlsFront(emulator, folder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
