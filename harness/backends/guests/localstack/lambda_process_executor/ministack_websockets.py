"""Functions of WebSocket APIs on MiniStack 1.5.33, which invokes them past its own log and counts.

It knows APIs by hosts of this machine only, which are no hosts of a URL: `<id>.execute-api.127.0.0.1`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

from ministack import app
from ministack.core import lambda_runtime, responses
from ministack.services import apigateway, lambda_svc

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_OK = 200
_HOST = re.compile(r"^([a-f0-9]{8})\.execute-api\.(?:127\.0\.0\.1|[\w-]+\.amazonaws\.com)(?::\d+)?$")

type Config = dict[str, Any]


def install() -> None:
    """Let these invocations be logged and counted as all others are, and know APIs by their hosts on AWS."""
    lambda_runtime.get_or_create_worker = _worker
    app._EXECUTE_API_RE = _HOST  # noqa: SLF001 - the version is pinned
    apigateway.handle_connections_api = _with_names_of_aws(apigateway.handle_connections_api)
    apigateway._ws_request_context = _with_host_on_aws(apigateway._ws_request_context)  # noqa: SLF001 - pinned


def _with_host_on_aws(known: Callable[..., Config]) -> Callable[..., Config]:
    @wraps(known)
    def context(api_id: str, *rest: object) -> Config:
        host = f"{api_id}.execute-api.{responses.get_region()}.amazonaws.com"
        return {**known(api_id, *rest), "domainName": host}

    return context


def _with_names_of_aws(known: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Describe a connection with the names and the times that SDKs read."""

    @wraps(known)
    async def handle(method: str, *given: Any) -> Any:  # noqa: ANN401 - MiniStack's
        status, headers, body = await known(method, *given)
        if method != "GET" or status != _OK:
            return status, headers, body
        described = json.loads(body)
        times = {
            name: datetime.fromtimestamp(described[f"{name[0].upper()}{name[1:]}"], UTC).isoformat()
            for name in ("connectedAt", "lastActiveAt")
        }
        return status, headers, json.dumps({**times, "identity": described["Identity"]}).encode()

    return handle


@dataclass(frozen=True, slots=True)
class _Worker:
    function: Config

    def invoke(self, event: Config, _request_id: str) -> Config:
        result = lambda_svc._execute_function(self.function, event)  # noqa: SLF001 - the version is pinned
        body = result.get("body")
        error = str(body.get("errorMessage", "")) if isinstance(body, dict) else ""
        return {"status": "error" if result.get("error") else "ok", "result": body, "error": error}


def _worker(_name: str, config: Config, code: bytes, **_qualifier: str) -> _Worker:
    return _Worker({"config": config, "code_zip": code})
