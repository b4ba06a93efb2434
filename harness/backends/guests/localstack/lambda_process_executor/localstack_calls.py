"""Write LocalStack's request log, with a handler of its gateway that sees each call."""

import functools
import io
import time
from dataclasses import replace
from typing import Any

from localstack.runtime import hooks

from lambda_process_executor import request_log
from lambda_process_executor.callers import EMULATOR, caller_of
from lambda_process_executor.request_log import Call, RequestLog
from lambda_process_executor.resource_arns import KMS_OF_AN_OBJECT, api_call, arns_of

_BEGUN, _CALLER, _BODY = "harness_begun", "harness_caller", "harness_body"


@hooks.on_infra_start()  # type: ignore[untyped-decorator, unused-ignore]
def note_calls() -> None:
    """Write a log if one is wanted, and serve it."""
    log = request_log.open_log()
    if log is None:
        return
    from localstack.aws import handlers  # noqa: PLC0415 # only once LocalStack starts
    from localstack.http import Response  # noqa: PLC0415
    from localstack.services.edge import ROUTER  # noqa: PLC0415

    def served(request: Any, **_rest: object) -> Any:  # noqa: ANN401 - LocalStack's
        return Response(log.read(int(request.args.get("from", 0))), mimetype="application/x-ndjson")

    ROUTER.add(request_log.PATH, endpoint=served, methods=["GET"])
    handlers.preprocess_request.append(functools.partial(_begin, log))
    handlers.run_custom_finalizers.append(functools.partial(_end, log))


def _begin(log: RequestLog, _chain: object, context: Any, _response: object) -> None:  # noqa: ANN401 - LocalStack's
    # Identify the caller now, because a function that has its answer may end before the log is written.
    headers = context.request.headers
    setattr(context, _BEGUN, time.time())
    setattr(context, _CALLER, caller_of(headers.get("User-Agent", ""), headers.get("Authorization", "")))
    if log.has_bodies:
        setattr(context, _BODY, _read_ahead(context.request))


def _end(log: RequestLog, _chain: object, context: Any, response: Any) -> None:  # noqa: ANN401 - LocalStack's
    begun = context.get(_BEGUN)
    call = None if begun is None else call_of(context, response, begun, context.get(_CALLER))
    if call and log.has_bodies:
        call = replace(call, request=context.get(_BODY) or b"", response=_body_of(response))
    if call:
        log.note(call)


def _read_ahead(request: Any) -> bytes:  # noqa: ANN401 - werkzeug's
    """Return the body of a request, which others read again, unless it is too large for the log."""
    if not 0 < (request.content_length or 0) <= request_log.MOST_BYTES:
        return b""
    body: bytes = request.get_data(cache=True)
    request.stream = io.BytesIO(body)  # it was read only once
    return body


def _body_of(response: Any) -> bytes:  # noqa: ANN401 - werkzeug's
    """Return the body of an answer, unless it is too large for the log, or a stream without an end."""
    is_whole = not response.is_streamed or 0 < (response.content_length or 0) <= request_log.MOST_BYTES
    return bytes(response.get_data()) if is_whole and not response.direct_passthrough else b""


def call_of(
    context: Any,  # noqa: ANN401 - LocalStack's
    response: Any,  # noqa: ANN401 - LocalStack's
    begun: float,
    caller: tuple[str, str],
) -> Call | None:
    """Return the AWS call in a request, or None if there is none.

    Args:
        context: LocalStack's `RequestContext`.
        response: its answer.
        begun: when it came, in seconds since the epoch.
        caller: the caller and its invocation.
    """
    by, request_id = caller
    internal = context.internal_request_params or {}
    seconds = time.time() - begun
    if context.operation is None:
        arn = api_call(context.request.method, context.request.host, context.request.path)
        if not arn:
            return None
        return Call(
            begun=begun,
            seconds=seconds,
            by=by,
            service="execute-api",
            operation="Invoke",
            resources=(arn,),
            status=response.status_code,
        )
    service = context.operation.service_model.service_name
    answer = {**_fields(context.service_response), KMS_OF_AN_OBJECT: response.headers.get(KMS_OF_AN_OBJECT)}
    region, account = context.region or "", context.account_id or ""
    return Call(
        begun=begun,
        seconds=seconds,
        by=EMULATOR if context.is_internal_call else by,
        request_id=request_id,
        service=service,
        operation=context.operation.name,
        region=region,
        account=account,
        resources=arns_of(service, _fields(context.service_request), answer, region=region, account=account),
        status=response.status_code,
        error=context.service_exception.code if context.service_exception else "",
        source=internal.get("source_arn") or internal.get("service_principal") or "",
    )


def _fields(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}
