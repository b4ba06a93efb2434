"""A front like that of AWS's own emulator, with TLS by a CA of its own and keys created at the start."""

from __future__ import annotations

import json
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import trustme

from tests.unit.backends.conftest import IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCESS_KEY = "AKIAFRONT"
_REFUSAL = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>InvalidClientTokenId</Code><Message>The security token included in the request is invalid.</Message>
</Error></ErrorResponse>"""


class Front(ThreadingHTTPServer):
    """Answers STS for clients with its keys, and JSON at one route.

    Attributes:
        ca: The certificates of its CA.
        credentials: The file with its keys.
        route: The path at which it answers JSON.
    """

    def __init__(self, folder: Path, route: str) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.ca, self.credentials, self.route = folder / "ca.pem", folder / "credentials", route
        authority.cert_pem.write_to_path(str(self.ca))
        self.credentials.write_text(
            f"[emulator]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = s%cret\n", "utf-8"
        )

    @property
    def url(self) -> str:
        """Its URL."""
        return f"https://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """Log nothing about a client that does not trust the front."""


class _Answer(BaseHTTPRequestHandler):
    server: Front

    def do_GET(self) -> None:
        self._answer(200 if self.path == self.server.route else 404, json.dumps({"version": "1.2"}))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if f"Credential={ACCESS_KEY}/" in self.headers["Authorization"]:
            self._answer(200, IDENTITY.format(account="000000000000"))
        else:
            self._answer(403, _REFUSAL)

    def _answer(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def front(folder: Path, route: str = "/") -> Iterator[Front]:
    """Run a front while the context is open."""
    folder.mkdir(parents=True, exist_ok=True)
    server = Front(folder, route)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
