"""A region that fails: a proxy in front of an emulator that answers for all regions but one."""

from __future__ import annotations

import http.client
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Regions", "regions_of"]

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv4-signing-elements.html
_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/")
_OF_ONE_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(slots=True)
class Regions:
    """The failing region, and the requests to it.

    Attributes:
        url: The URL of the proxy.
        failing: The failing region. Empty for none.
        apis: Ids of the REST APIs of that region: their callers sign nothing.
        refused: The requests that were refused.
    """

    url: str = ""
    failing: str = ""
    apis: frozenset[str] = frozenset()
    refused: list[str] = field(default_factory=list)

    @contextmanager
    def without(self, region: str, *, apis: frozenset[str]) -> Iterator[None]:
        """Let a region and its APIs fail while the context is open."""
        self.failing, self.apis = region, apis
        try:
            yield
        finally:
            self.failing, self.apis = "", frozenset()

    def refuses(self, path: str, authorization: str) -> bool:
        """Return whether a request is for the failing region, and record it if so.

        STS is exempt. The provider's `sts_region` decides on its region, and the harness overrides that on an
        emulator. tests/terraform proves it.
        """
        region, service = found.groups() if (found := _SCOPE.search(authorization)) else ("", "")
        is_refused = bool(self.failing) and service != "sts"
        is_refused &= region == self.failing or not self.apis.isdisjoint(re.split(r"[/.:]", path))
        if is_refused:
            self.refused.append(f"{service or 'execute-api'}: {path}")
        return is_refused


@contextmanager
def regions_of(emulator: str) -> Iterator[Regions]:
    """Provide the regions of the emulator at a URL, behind a proxy."""
    regions = Regions()
    with _Server(("127.0.0.1", 0), partial(_Proxy, regions, urlsplit(emulator).netloc)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        regions.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield regions
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # the provider opens many at once, and asks again if one is lost


class _Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, regions: Regions, upstream: str, *arguments: Any) -> None:  # noqa: ANN401 - handed on
        self._regions = regions
        self._upstream = upstream
        super().__init__(*arguments)

    def _hand_on(self) -> None:
        body = self._body()
        if self._regions.refuses(self.path, self.headers.get("Authorization", "")):
            self._answer(503, [], b"")
            return
        connection = http.client.HTTPConnection(self._upstream, timeout=120)
        headers = {name: text for name, text in self.headers.items() if name.lower() not in _OF_ONE_HOP}
        try:
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            self._answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = _hand_on  # noqa: N815 - the base class looks for these

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(iter(self._chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunk(self) -> bytes:
        chunk = self.rfile.read(int(self.rfile.readline().split(b";")[0], 16))
        self.rfile.readline()
        return chunk

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        told = [(name, text) for name, text in headers if name.lower() not in _OF_ONE_HOP]
        for name, text in told:
            self.send_header(name, text)
        length = dict(headers).get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
        if status != http.HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass
