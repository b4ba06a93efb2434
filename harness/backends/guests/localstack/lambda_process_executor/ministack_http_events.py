"""The events of HTTP APIs on MiniStack 1.5.33, which knows one format and leaves out parts of it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from ministack.services import apigateway

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    type Event = dict[str, Any]
    type Invoke = Callable[..., Awaitable[Any]]

_DEFAULT_STAGE = "$default"
_of_request: ContextVar[tuple[str, Mapping[str, str]]] = ContextVar("version and variables of the stage")


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
    async def run(execute: object, function: object, event: Event, **others: Any) -> object:  # noqa: ANN401 - MiniStack's
        if event.get("version") == "2.0" and "http" in event.get("requestContext", {}):
            event = _as_declared(event, *_of_request.get())
        return await known(execute, function, event, **others)

    return run


def _as_declared(event: Event, version: str, variables: Mapping[str, str]) -> Event:
    context = event["requestContext"]
    stage = "" if context["stage"] == _DEFAULT_STAGE else f"/{context['stage']}"
    path = stage + event["rawPath"]
    if version == "1.0":
        return _in_first_format(event, path, variables)
    cookies = event["headers"].get("cookie", "")
    optional = {"cookies": cookies.split("; ") if cookies else [], "stageVariables": dict(variables)}
    return {
        **event,
        "rawPath": path,
        "requestContext": {**context, "http": {**context["http"], "path": path}},
        **{name: value for name, value in optional.items() if value},
    }


def _in_first_format(event: Event, path: str, variables: Mapping[str, str]) -> Event:
    """Return an event in the format 1.0, which resembles that of a REST API."""
    query = parse_qs(event["rawQueryString"], keep_blank_values=True)
    context, http = event["requestContext"], event["requestContext"]["http"]
    route = event["routeKey"].rpartition(" ")[2]
    return {
        "version": "1.0",
        "resource": route,
        "path": path,
        "httpMethod": http["method"],
        "headers": event["headers"],
        "multiValueHeaders": {name: [value] for name, value in event["headers"].items()},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": event["pathParameters"],
        "stageVariables": dict(variables) or None,
        "body": event.get("body"),
        "isBase64Encoded": event["isBase64Encoded"],
        "requestContext": {
            "accountId": context["accountId"],
            "apiId": context["apiId"],
            "authorizer": _authorizer(context.get("authorizer", {})),
            "domainName": context["domainName"],
            "domainPrefix": context["apiId"],
            "extendedRequestId": context["requestId"],
            "httpMethod": http["method"],
            "identity": {"sourceIp": http["sourceIp"], "userAgent": http["userAgent"]},
            "path": path,
            "protocol": http["protocol"],
            "requestId": context["requestId"],
            "requestTime": context["time"],
            "requestTimeEpoch": context["timeEpoch"],
            "resourceId": event["routeKey"],
            "resourcePath": route,
            "stage": context["stage"],
        },
    }


def _authorizer(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an authorizer found out: claims of a token, or the context that a function returned."""
    return given.get("jwt") or given.get("lambda") or given


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
