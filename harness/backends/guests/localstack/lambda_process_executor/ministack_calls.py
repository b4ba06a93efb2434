"""Writes MiniStack's request log: an ASGI application around MiniStack's own."""

import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl

from ministack import app
from ministack.core import iam_actions, responses, router

from lambda_process_executor import request_log
from lambda_process_executor.callers import caller_of
from lambda_process_executor.ministack_asgi import Application, Message, answer
from lambda_process_executor.request_log import Call, RequestLog
from lambda_process_executor.resource_arns import KMS_OF_AN_OBJECT, api_call, arns_of
from lambda_process_executor.rest_operations import operation_of

_MOST_BYTES = 2**20  # of a body that is read for its parameters
_REST = {"lambda": ("lambda",), "s3": ("s3",)}
# MiniStack's names of services that boto3 names otherwise.
_BOTO3_NAMES = {"monitoring": "cloudwatch", "states": "stepfunctions", "cognito-idp": "cognito-idp"}
_SMITHY_RPC = re.compile(r"/service/\w+/operation/(\w+)")
_ERROR_CODE = re.compile(rb'<Code>([^<]+)</Code>|"(?:__type|code|Code)"\s*:\s*"(?:[^"#]*#)?([^"]+)"')


@dataclass(slots=True)
class Exchange:
    """A request and its answer, for the log.

    The caller is identified when the request arrives, because a function that has its answer may end before
    the log is written.
    """

    scope: Message
    begun: float
    caller: tuple[str, str]
    body: bytearray = field(default_factory=bytearray)
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    answer: bytearray = field(default_factory=bytearray)


def log_calls(served: Application) -> Application:
    """Return the application with a log of its calls, if one is wanted."""
    log = request_log.open_log()
    if log is None:
        return served

    async def application(scope: Message, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's
        if scope["type"] != "http":
            await served(scope, receive, send)
        elif scope["path"] == request_log.PATH:
            await _serve(log, scope, send)
        else:
            exchange = Exchange(scope, time.time(), _caller(scope))
            await served(scope, _overheard(exchange, receive), _noting(log, exchange, send))

    return application


def _caller(scope: Message) -> tuple[str, str]:
    headers = _headers(scope)
    return caller_of(headers.get("user-agent", ""), headers.get("authorization", ""))


def _overheard(exchange: Exchange, receive: Any) -> Callable[[], Awaitable[Message]]:  # noqa: ANN401 - ASGI's
    async def received() -> Message:
        message: Message = await receive()
        if len(exchange.body) < _MOST_BYTES:
            exchange.body += message.get("body", b"")
        return message

    return received


def _noting(log: RequestLog, exchange: Exchange, send: Any) -> Callable[[Message], Awaitable[None]]:  # noqa: ANN401 - ASGI's
    """Log the call before the last part of its answer is sent, so that the caller finds it in the log."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            exchange.status, exchange.headers = message["status"], _headers(message)
        elif message["type"] == "http.response.body":
            if len(exchange.answer) <= request_log.MOST_BYTES:
                exchange.answer += message.get("body", b"")
            if not message.get("more_body"):
                call = call_of(exchange, has_bodies=log.has_bodies)
                if call:
                    log.note(call)
        await send(message)

    return sent


async def _serve(log: RequestLog, scope: Message, send: Any) -> None:  # noqa: ANN401 - ASGI's
    query = dict(parse_qsl(scope.get("query_string", b"").decode()))
    await answer(send, log.read(int(query.get("from", 0))), kind="application/x-ndjson")


def call_of(exchange: Exchange, *, has_bodies: bool = False) -> Call | None:
    """Return the AWS call in a request, or None if there is none.

    Args:
        exchange: the request and its answer.
        has_bodies: whether the call is to have their bodies.
    """
    scope, headers = exchange.scope, _headers(exchange.scope)
    by, request_id = exchange.caller
    common: dict[str, Any] = {
        "begun": exchange.begun,
        "seconds": time.time() - exchange.begun,
        "by": by,
        "request_id": request_id,
        "status": exchange.status,
        **({"request": bytes(exchange.body), "response": bytes(exchange.answer)} if has_bodies else {}),
    }
    if arn := api_call(scope["method"], headers.get("host", ""), scope["path"]):
        return Call(service="execute-api", operation="Invoke", resources=(arn,), **common)
    operation = _operation(exchange, headers)
    if operation is None:
        return None
    service, name, parameters = operation
    region, account = responses.get_region(), responses.get_account_id()
    answer = {KMS_OF_AN_OBJECT: exchange.headers.get(KMS_OF_AN_OBJECT), **_json(exchange.answer, service)}
    return Call(
        service=service,
        operation=name,
        region=region,
        account=account,
        resources=arns_of(service, parameters, answer, region=region, account=account),
        error=_error(exchange),
        **common,
    )


def _operation(exchange: Exchange, headers: Mapping[str, str]) -> tuple[str, str, dict[str, Any]] | None:
    """Return service, operation and parameters of a request: by its protocol, JSON, Query, RPC or REST."""
    scope = exchange.scope
    method, path, text = scope["method"], scope["path"], scope.get("query_string", b"").decode()
    if path.startswith(("/_ministack", "/_localstack")):
        return None
    body = bytes(exchange.body)
    form = _form(text, headers, body)
    query = {**parse_qs(text, keep_blank_values=True), **{name: [value] for name, value in form.items()}}
    service = router.detect_service(method, path, headers, query)
    named = _BOTO3_NAMES.get(service, service)
    if target := headers.get("x-amz-target", ""):
        return named, target.rpartition(".")[2], _json_of(body)
    if called := _SMITHY_RPC.fullmatch(path):
        return named, called[1], {}
    if "Action" in form:
        return named, form["Action"], dict(form)
    raw = (scope.get("raw_path") or path.encode()).decode("latin-1").partition("?")[0]
    bucket = app._extract_s3_vhost_bucket(headers.get("host", "")) if service == "s3" else None  # noqa: SLF001
    address = f"/{bucket}{raw}" if bucket else raw
    for candidate in _REST.get(service) or iam_actions._BOTOCORE_SERVICE_MAP.get(service, ()):  # noqa: SLF001
        if found := operation_of(candidate, method, f"{address}?{text}", headers):
            return candidate, *found
    return None


def _form(query: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    is_form = "x-www-form-urlencoded" in headers.get("content-type", "")
    pairs = parse_qsl(query) + (parse_qsl(body.decode("utf-8", "replace")) if is_form else [])
    return dict(pairs)


def _headers(message: Message) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in message.get("headers", ())
    }


def _json(body: bytearray, service: str) -> dict[str, Any]:
    return _json_of(body) if service == "kms" else {}


def _json_of(body: bytes | bytearray) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _error(exchange: Exchange) -> str:
    if exchange.status < 400:  # noqa: PLR2004 - HTTP's
        return ""
    told = exchange.headers.get("x-amzn-errortype", "").partition(":")[0].rpartition("#")[2]
    found = _ERROR_CODE.search(exchange.answer)
    return told or (next(filter(None, found.groups())).decode() if found else "")
