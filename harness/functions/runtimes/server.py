"""Toolchains on demand: an emulator requests one at the first function of a runtime."""

from __future__ import annotations

import json
import logging
import threading
from contextlib import contextmanager
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, override

from harness.errors import HarnessError
from harness.functions.runtimes.toolchains import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.settings import Settings

log = logging.getLogger(__name__)

HOST = "127.0.0.1"


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """Serve `GET <url>/<runtime>` while the context is open, and yield the URL.

    The answer is the toolchain as JSON, once it is there, or the reason why it can't be had as text.
    """
    server = _Server((HOST, 0), _Handler)
    server.settings = settings
    thread = threading.Thread(target=server.serve_forever, name="runtimes", daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # an installation that nobody needs any more may continue
    settings: Settings


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        try:
            tools = prepare(self.server.settings, self.path.removeprefix("/"))
        except HarnessError as problem:
            log.debug("%s", problem)
            self._answer(HTTPStatus.FAILED_DEPENDENCY, str(problem))
        else:
            paths = {name: path and str(path) for name, path in asdict(tools).items()}
            self._answer(HTTPStatus.OK, json.dumps(paths))

    def _answer(self, status: HTTPStatus, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Write no access log."""
