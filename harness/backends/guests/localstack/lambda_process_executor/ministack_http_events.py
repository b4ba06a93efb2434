"""The events of HTTP APIs on MiniStack 1.5.33, which knows one format and leaves out parts of it."""

from __future__ import annotations

from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any

from ministack.services import apigateway

from lambda_process_executor import http_events

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    type Invoke = Callable[..., Awaitable[Any]]

_of_request: ContextVar[tuple[str, Mapping[str, str]]] = ContextVar("format, and variables of the stage")


def install() -> None:
    """Send functions the format that their integration declares, with all that it has on AWS."""
    apigateway._invoke_lambda_proxy = _with_declared_format(apigateway._invoke_lambda_proxy)  # noqa: SLF001 - pinned
    apigateway.run_reentrant = _with_whole_event(apigateway.run_reentrant)
    apigateway._create_authorizer = _with_fields_of_its_type(apigateway._create_authorizer)  # noqa: SLF001


def _with_declared_format(known: Invoke) -> Invoke:
    @wraps(known)
    async def invoke(
        integration: Mapping[str, Any], api: str, stage: str, *rest: object, **others: object
    ) -> object:
        described = apigateway._stages.get(api, {}).get(stage) or {}  # noqa: SLF001
        _of_request.set((integration["payloadFormatVersion"], described.get("stageVariables") or {}))
        return await known(integration, api, stage, *rest, **others)

    return invoke


def _with_whole_event(known: Invoke) -> Invoke:
    @wraps(known)
    async def run(execute: object, function: object, event: http_events.Event, **others: object) -> object:
        if event.get("version") == http_events.SECOND and "http" in event["requestContext"]:
            declared, variables = _of_request.get()
            as_declared = http_events.in_first_format(event) if declared == http_events.FIRST else event
            event = http_events.completed(as_declared, variables)
        return await known(execute, function, event, **others)

    return run


def _with_fields_of_its_type(known: Callable[..., Any]) -> Callable[..., Any]:
    """Report no format of events of an authorizer that checks tokens: every plan would take it away."""

    @wraps(known)
    def create(api: str, data: Mapping[str, Any]) -> object:
        answer = known(api, data)
        for held in apigateway._authorizers.get(api, {}).values():  # noqa: SLF001
            if held["authorizerType"] == "JWT":
                held["authorizerPayloadFormatVersion"] = ""
        return answer

    return create
