"""Call a REST API of API Gateway over HTTP, wherever it is deployed."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import urllib3

from harness.values import ApiResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.values import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that a client sent, and how it ended.

    Attributes:
        begun: Seconds since the epoch.
        method: The HTTP method.
        url: The whole URL.
        status: The answer's status; 0 when no answer came.
        seconds: How long it took until the answer was read whole, or given up.
    """

    begun: float
    method: str
    url: str
    status: int
    seconds: float


type Listener = Callable[[Request], None]

_LISTENERS: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Have `listener` called with every request that ends while the context is open, in any thread."""
    _LISTENERS.append(listener)
    try:
        yield
    finally:
        _LISTENERS.remove(listener)


def served_url(endpoint: Endpoint, published: str) -> str:
    """Return where `endpoint` serves the API whose URL on AWS is `published`.

    LocalStack's path style, which MiniStack knows too: https://docs.localstack.cloud/aws/services/apigateway/
    """
    if endpoint.is_aws:
        return published
    url = urlsplit(published)
    api = (url.hostname or "").split(".", 1)[0]
    return f"{endpoint.url}/_aws/execute-api/{api}{url.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiClient:
    """An HTTP client of one API: `base` is the URL its paths are appended to."""

    base: str
    timeout: float = 35.0  # seconds; API Gateway itself gives up after 29
    _http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False), repr=False)

    @classmethod
    def of(cls, endpoint: Endpoint, published: str) -> Self:
        """Return the client of the API method that AWS would serve at `published`."""
        return cls(base=served_url(endpoint, published))

    def get(self, path: str = "", *, headers: Mapping[str, str] | None = None) -> ApiResponse:
        """Send a GET to `base` + `path`."""
        return self.request("GET", path, headers=headers)

    def request(
        self, method: str, path: str = "", *, headers: Mapping[str, str] | None = None
    ) -> ApiResponse:
        """Send a request; any status is an answer, not an error.

        Raises:
            urllib3.exceptions.HTTPError: No answer came.
        """
        begun, clock, status = time.time(), time.perf_counter(), 0
        try:
            answer = self._send(method, self.base + path, headers or {})
            status = answer.status
        finally:
            elapsed = time.perf_counter() - clock
            _tell(Request(begun=begun, method=method, url=self.base + path, status=status, seconds=elapsed))
        return ApiResponse(
            status=answer.status,
            headers={name.lower(): value for name, value in answer.headers.items()},
            body=answer.data,
            elapsed=elapsed,
        )

    def _send(self, method: str, url: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        return self._http.request(
            method,
            url,
            headers={"Accept": "*/*", **headers},  # what curl and browsers send too
            timeout=self.timeout,
            redirect=False,
        )


def _tell(request: Request) -> None:
    for listener in tuple(_LISTENERS):
        listener(request)
