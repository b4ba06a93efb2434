from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IDENTITY = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Account>{account}</Account><Arn>arn:aws:iam::{account}:root</Arn>
<UserId>{account}</UserId></GetCallerIdentityResult></GetCallerIdentityResponse>"""


class StubSts(ThreadingHTTPServer):
    """Answers GetCallerIdentity with `account` and any other request with 500, and notes all requests."""

    def __init__(self, account: str) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.account = account
        self.actions: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: StubSts

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        (action,) = parse_qs(body).get("Action", ["?"])
        self.server.actions.append(action)
        self.send_response(200 if action == "GetCallerIdentity" else 500)
        self.end_headers()
        self.wfile.write(IDENTITY.format(account=self.server.account).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def sts() -> Iterator[Callable[[str], StubSts]]:
    """Return a function that starts a stub of STS whose callers are in the given account."""
    running: list[StubSts] = []

    def start(account: str) -> StubSts:
        server = StubSts(account)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.shutdown()
        server.server_close()
