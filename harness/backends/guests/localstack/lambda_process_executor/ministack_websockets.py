"""Functions of WebSocket APIs on MiniStack 1.5.33, which invokes them past its own log and counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

type Config = dict[str, Any]


def install() -> None:
    """Let these invocations be logged and counted as all others are."""
    lambda_runtime.get_or_create_worker = _worker


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
