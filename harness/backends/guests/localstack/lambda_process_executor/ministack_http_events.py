"""The events of HTTP APIs on MiniStack 1.5.33, which knows one format and leaves out parts of it."""

from __future__ import annotations

import json
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any

from ministack.services import apigateway, lambda_svc

from lambda_process_executor import http_events

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    type Invoke = Callable[..., Awaitable[Any]]

_OF_FUNCTIONS, _OF_TOKENS = "authorizerPayloadFormatVersion", "jwtConfiguration"
# The format, and the variables of the stage, while an integration is invoked, and not an authorizer.
_of_request: ContextVar[tuple[str, Mapping[str, str]] | None] = ContextVar("of the request", default=None)


def install() -> None:
    """Send functions the format that their integration declares, with all that it has on AWS."""
    apigateway._invoke_lambda_proxy = _with_declared_format(apigateway._invoke_lambda_proxy)  # noqa: SLF001 - pinned
    apigateway.run_reentrant = _with_whole_event(apigateway.run_reentrant)
    apigateway._create_authorizer = _with_fields_of_its_type(apigateway._create_authorizer)  # noqa: SLF001
    answer_of_stream = lambda_svc._function_url_stream_response  # noqa: SLF001
    lambda_svc._function_url_stream_response = _with_cookies(answer_of_stream)  # noqa: SLF001


def _with_declared_format(known: Invoke) -> Invoke:
    @wraps(known)
    async def invoke(
        integration: Mapping[str, Any], api: str, stage: str, *rest: object, **others: object
    ) -> object:
        described = apigateway._stages.get(api, {}).get(stage) or {}  # noqa: SLF001
        begun = _of_request.set((integration["payloadFormatVersion"], described.get("stageVariables") or {}))
        try:
            return await known(integration, api, stage, *rest, **others)
        finally:
            _of_request.reset(begun)

    return invoke


def _with_whole_event(known: Invoke) -> Invoke:
    @wraps(known)
    async def run(execute: object, function: object, event: http_events.Event, **others: object) -> object:
        if about := _of_request.get():
            declared, variables = about
            as_declared = http_events.in_first_format(event) if declared == http_events.FIRST else event
            event = http_events.completed(as_declared, variables)
        return await known(execute, function, event, **others)

    return run


def _with_fields_of_its_type(known: Callable[..., Any]) -> Callable[..., Any]:
    """Report of an authorizer only what its type has: every plan would take the rest away.

    One that checks tokens gets no events, and one that is a function has no settings of tokens.
    """

    @wraps(known)
    def create(api: str, data: Mapping[str, Any]) -> object:
        status, headers, body = known(api, data)
        made = json.loads(body).get("authorizerId")
        if made:
            held = apigateway._authorizers[api][made]  # noqa: SLF001
            del held[_OF_FUNCTIONS if held["authorizerType"] == "JWT" else _OF_TOKENS]
            body = json.dumps(held).encode()
        return status, headers, body

    return create


def _with_cookies(known: Callable[..., Any]) -> Callable[..., Any]:
    """Send the cookies that a stream of a function URL begins with."""

    @wraps(known)
    def answer(result: Mapping[str, Any], headers_for_browsers: Mapping[str, str]) -> Any:  # noqa: ANN401 - MiniStack's
        status, headers, body = known(result, headers_for_browsers)
        content = result.get("body")
        content = content.encode() if isinstance(content, str) else content
        if not isinstance(content, bytes):
            return status, headers, body
        beginning, _ = lambda_svc._split_stream_prelude(content)  # noqa: SLF001
        cookies = (beginning or {}).get("cookies")
        return status, {**headers, **({"Set-Cookie": list(cookies)} if cookies else {})}, body

    return answer
