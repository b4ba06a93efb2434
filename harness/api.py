"""Call a REST API of API Gateway over HTTP, wherever it is deployed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import urllib3

from harness.types import ApiResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.types import Endpoint


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
        begun = time.perf_counter()
        answer = self._http.request(
            method,
            self.base + path,
            headers={"Accept": "*/*", **(headers or {})},  # what curl and browsers send too
            timeout=self.timeout,
            redirect=False,
        )
        return ApiResponse(
            status=answer.status,
            headers={name.lower(): value for name, value in answer.headers.items()},
            body=answer.data,
            elapsed=time.perf_counter() - begun,
        )
