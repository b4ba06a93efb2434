"""Call an API of API Gateway, or a function URL, over HTTP, wherever it is deployed."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from json import dumps
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode, urlsplit

import urllib3

from harness.base import caller, polling
from harness.base.telemetry import actions
from harness.base.telemetry.signals import Signal
from harness.values import ApiResponse, Sent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.values import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that a client sent, and how it ended.

    Attributes:
        begun: Seconds since the epoch.
        method: The HTTP method.
        url: The whole URL.
        status: The answer's status. 0 if no answer came.
        seconds: How long it took until the answer was read whole, or given up.
        headers: The headers that the caller gave.
        body: The first 16 KB of the request's body.
        answer_headers: The headers of the answer.
        answer_body: The first 16 KB of the answer's body.
    """

    begun: float
    method: str
    url: str
    status: int = 0
    seconds: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    answer_body: str = ""


MOST_OF_A_BODY = 16 * 1024  # bytes of a body that listeners get
DEFAULT_STAGE = "$default"
_LOAD_BALANCERS = "elb.amazonaws.com"
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_USER_AGENT = f"python-urllib3/{version('urllib3')}"  # urllib3's own
REQUESTS = Signal[Request]()  # that have ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The address at which an API is served.

    Attributes:
        url: The URL that its paths are appended to, without a slash at the end.
        host: The `Host` header that selects the API. Empty if the URL does.
    """

    url: str
    host: str = ""


def address_of(endpoint: Endpoint, published: str, *, stage: str = "") -> Address:
    """Return the address at which `endpoint` serves the API or function with the URL `published` on AWS.

    LocalStack's path style, which MiniStack knows too: https://docs.localstack.cloud/aws/services/apigateway/.
    Both find the function of a function URL by the name of the host, and so does MiniStack with a GraphQL API
    and a load balancer.

    Args:
        endpoint: The emulator, or real AWS.
        published: The URL in the Terraform resource: of a stage of a REST API or an HTTP API, or of a
            function, with or without a path. Any other URL is used unchanged.
        stage: The stage, if the URL does not name it: `$default` of an HTTP API.
    """
    url = urlsplit(published)
    name, _, rest = (url.hostname or "").partition(".")
    path = url.path.rstrip("/")
    if endpoint.is_aws:
        return Address(url=published.rstrip("/"))
    if rest.startswith(("lambda-url.", "appsync-api.")) or rest.endswith(_LOAD_BALANCERS):
        return Address(url=endpoint.url + path, host=url.netloc)
    if rest.startswith("execute-api."):
        inserted = f"/{stage or DEFAULT_STAGE}" if stage or not path else ""
        return Address(url=f"{endpoint.url}/_aws/execute-api/{name}{inserted}{path}")
    return Address(url=published.rstrip("/"))


def place_of(endpoint: Endpoint, published: str, *, stage: str = "") -> tuple[str, str]:
    """Return the ARN of the API or function at a URL, and the path in the URL.

    The ARN is that of an API's stage. AWS has no ARN for a function URL, so it is
    `arn:aws:lambda-url:REGION::ID/`. For any other URL both are empty.
    """
    url = urlsplit(published)
    name, kind, *rest = [*(url.hostname or "").split("."), ""]
    region = rest[0] if rest and _REGION.fullmatch(rest[0]) else endpoint.region
    path = url.path.strip("/")
    if kind == "lambda-url":
        return f"arn:aws:lambda-url:{region}::{name}/", path
    if kind != "execute-api":
        return "", ""
    first, _, below = path.partition("/")
    named, below = (stage, path) if stage else (first or DEFAULT_STAGE, below)
    return f"arn:aws:execute-api:{region}::{name}/{named}", below


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiClient:
    """An HTTP client of one API or one function URL.

    Attributes:
        base: The URL that paths are appended to.
        place: The ARN of the API or function, and the path in `base`. See `place_of`.
        host: The `Host` header. Empty to use the URL's host.
        timeout: Seconds to wait for an answer. API Gateway itself gives up after 29.
        tells_caller: Whether the user agent names the calling test, for an emulator's request log.
    """

    base: str
    place: tuple[str, str] = ("", "")
    host: str = ""
    timeout: float = 35.0
    tells_caller: bool = False
    _http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False), repr=False)

    @classmethod
    def of(cls, endpoint: Endpoint, published: str, *, stage: str = "") -> Self:
        """Return a client of the API that AWS would serve at `published`. See `address_of`."""
        address = address_of(endpoint, published, stage=stage)
        return cls(
            base=address.url,
            place=place_of(endpoint, published, stage=stage),
            host=address.host,
            tells_caller=not endpoint.is_aws,
            _http=urllib3.PoolManager(retries=False, ca_certs=endpoint.ca or None),
        )

    def get(self, path: str = "", **request: Any) -> ApiResponse:  # noqa: ANN401 - as `request` takes them
        """Send a GET. The arguments are those of `request`."""
        return self.request("GET", path, **request)

    def post(self, path: str = "", **request: Any) -> ApiResponse:  # noqa: ANN401 - as `request` takes them
        """Send a POST. The arguments are those of `request`."""
        return self.request("POST", path, **request)

    def put(self, path: str = "", **request: Any) -> ApiResponse:  # noqa: ANN401 - as `request` takes them
        """Send a PUT. The arguments are those of `request`."""
        return self.request("PUT", path, **request)

    def patch(self, path: str = "", **request: Any) -> ApiResponse:  # noqa: ANN401 - as `request` takes them
        """Send a PATCH. The arguments are those of `request`."""
        return self.request("PATCH", path, **request)

    def delete(self, path: str = "", **request: Any) -> ApiResponse:  # noqa: ANN401 - as `request` takes them
        """Send a DELETE. The arguments are those of `request`."""
        return self.request("DELETE", path, **request)

    def request(
        self,
        method: str,
        path: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str | Sequence[str]] | None = None,
        json: object = None,
        body: bytes | str | None = None,
    ) -> ApiResponse:
        """Send a request. Any status is an answer, not an error.

        Args:
            method: The HTTP method.
            path: Appended to `base`, after a slash unless it begins with one or with a query.
            headers: Further headers.
            query: The query's parameters. Use a sequence for a parameter with several values.
            json: A value to send as JSON, with the content type for it.
            body: A body to send unchanged, instead of `json`.

        Raises:
            urllib3.exceptions.HTTPError: No answer came.
        """
        slash = "/" if path and not path.startswith(("/", "?")) else ""
        url = self.base + slash + path + (f"?{urlencode(query, doseq=True)}" if query else "")
        request = Request(
            begun=time.time(),
            method=method,
            url=url,
            headers=dict(headers or {}),
            body=_text(json if body is None else body),
        )
        clock = time.perf_counter()
        try:
            answer = self._send(method, url, request.headers, json, body)
            request = replace(
                request,
                status=answer.status,
                answer_headers=dict(answer.headers),
                answer_body=_text(answer.data),
            )
        finally:
            request = replace(request, seconds=time.perf_counter() - clock)
            _report(request)
        return ApiResponse(
            status=answer.status,
            headers={name.lower(): value for name, value in answer.headers.items()},
            body=answer.data,
            elapsed=request.seconds,
            sent=self._asked(request, path) if self.place[0] else None,
        )

    def _asked(self, request: Request, path: str) -> Sent:
        """Return the request for a trace. A log may name it by method and path."""
        arn, below = self.place
        asked = "/".join(filter(None, [below, path.partition("?")[0].strip("/")]))
        return Sent(
            arn=f"{arn}/{request.method}/{asked}",
            id=f"{request.method} /{asked}",
            payload=request.body,
            at=request.begun,
            is_answered=True,
            status=request.status,
            until=request.begun + request.seconds,
        )

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], json: object, body: bytes | str | None
    ) -> urllib3.BaseHTTPResponse:
        own = {
            "Accept": "*/*",
            **({"Host": self.host} if self.host else {}),
            **({"User-Agent": caller.user_agent(_USER_AGENT)} if self.tells_caller else {}),
        }
        sent = {"json": json} if body is None and json is not None else {"body": body}
        typed = {"Content-Type": "application/json"} if "json" in sent else {}
        return self._http.request(
            method,
            url,
            headers=_merged({**own, **typed}, headers),
            timeout=polling.limit(self.timeout),
            redirect=False,
            **sent,
        )


def _merged(own: Mapping[str, str], given: Mapping[str, str]) -> urllib3.HTTPHeaderDict:
    """Return the headers `own`, with those that the caller gives in whatever case."""
    merged = urllib3.HTTPHeaderDict(own)
    for name, value in given.items():
        merged[name] = value
    return merged


def _report(request: Request) -> None:
    """Send listeners a request that has ended."""
    REQUESTS.send(request)
    name = f"{request.method} {urlsplit(request.url).path or '/'}: {request.status or 'no answer'}"
    actions.report("call", name, begun=request.begun, ok=bool(request.status))


def _text(body: object) -> str:
    """Return the beginning of a body as text.

    The body is bytes, a text, or a value that is sent as JSON.
    """
    match body:
        case None:
            return ""
        case bytes():
            return body[:MOST_OF_A_BODY].decode("utf-8", "replace")
        case str():
            return body[:MOST_OF_A_BODY]
        case _:
            return dumps(body, default=str)[:MOST_OF_A_BODY]
