"""Integrations of HTTP APIs with AWS's services on MiniStack 1.5.33, which drops them.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-aws-services.html
"""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64decode
from functools import wraps
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ParamValidationError
from botocore.serialize import create_serializer
from ministack.services import apigateway

from lambda_process_executor.api_requests import context_of, request_of
from lambda_process_executor.service_calls import Call, failed, model_of, send

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from lambda_process_executor.api_requests import Request
    from lambda_process_executor.service_calls import Answer

    type Integration = Mapping[str, Any]

_EMBEDDED = re.compile(r"\$\{([\w.$\[\]-]+)\}")
_KEPT = ("integrationSubtype", "credentialsArn")


def install() -> None:
    """Let HTTP APIs call services."""
    apigateway._create_integration = _with_subtype(apigateway._create_integration)  # noqa: SLF001 - the version is pinned
    apigateway._update_integration = _with_subtype(apigateway._update_integration)  # noqa: SLF001
    apigateway._invoke_lambda_proxy = _or_by_subtype(apigateway._invoke_lambda_proxy)  # noqa: SLF001


def _with_subtype(known: Callable[..., Answer]) -> Callable[..., Answer]:
    """Keep what an integration is created or updated with. The fields are the last argument."""

    @wraps(known)
    def write(api: str, *given: Any) -> Answer:  # noqa: ANN401 - MiniStack's
        answer = known(api, *given)
        written = json.loads(answer[2]).get("integrationId")
        return (answer[0], *_keep(api, written, given[-1])[1:]) if written else answer

    return write


def _keep(api: str, name: str, data: Mapping[str, Any]) -> Answer:
    """Keep the fields of an integration that MiniStack drops, and return it."""
    held = apigateway._integrations[api][name]  # noqa: SLF001
    held |= {each: data[each] for each in _KEPT if data.get(each)}
    answer: Answer = apigateway._get_integration(api, name)  # noqa: SLF001
    return answer


def _or_by_subtype(known: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    @wraps(known)
    async def invoke(integration: Integration, *given: Any, **others: Any) -> Answer:  # noqa: ANN401 - MiniStack's
        if "integrationSubtype" not in integration:
            return await known(integration, *given, **others)
        api, stage, path, method, headers, body, query, route, path_parameters = given
        account, region = others["owner_account_id"], others["owner_region"]
        about = context_of(api, stage, path, method, account) | {"routeKey": route}
        sent_along = (headers, body, query, path_parameters)
        request = request_of(method, *sent_along, context=about, stage_variables={})
        try:
            call = _call_of_subtype(integration, request, region)
        except (ParamValidationError, ValueError) as problem:
            return failed(f"{integration['integrationSubtype']} can't be called: {problem}")
        status, named, text = await asyncio.to_thread(send, call, integration.get("credentialsArn"), account)
        return status, {"Content-Type": named.get("content-type", "application/json")}, text.encode()

    return invoke


def _call_of_subtype(integration: Integration, request: Request, region: str) -> Call:
    """Return the call of an integration of an HTTP API, such as `SQS-SendMessage`.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-aws-services-reference.html
    """
    service, _, operation = integration["integrationSubtype"].partition("-")
    name = {"eventbridge": "events"}.get(service.lower(), service.lower())
    given = {key: _evaluated(text, request) for key, text in integration["requestParameters"].items()}
    region = given.pop("Region", "") or region
    model = model_of(name).operation_model(operation)
    if operation == "PutEvents":
        entry = model.input_shape.members["Entries"].member
        arguments: dict[str, Any] = {"Entries": [_typed(given, entry)]}
    else:
        arguments = _typed(given, model.input_shape)
    made = create_serializer(model.metadata["protocol"]).serialize_to_request(arguments, model)
    headers = {key: str(value) for key, value in made["headers"].items()}
    return Call(
        service=name, region=region, method=made["method"], path="/", headers=headers, body=made["body"]
    )


def _evaluated(text: str, request: Request) -> str:
    if text.startswith("$") and not text.startswith("${"):
        return request.value(text[1:].removeprefix("request."))
    return _EMBEDDED.sub(lambda found: request.value(found[1].removeprefix("request.")), text)


def _typed(given: Mapping[str, str], shape: Any) -> dict[str, Any]:  # noqa: ANN401 - botocore's
    """Return arguments as the shape wants them: texts, bytes from base64, and all else from JSON."""
    names = {name.lower(): name for name in shape.members}
    known = {names[key.lower()]: value for key, value in given.items() if value and key.lower() in names}
    return {name: _as_type(value, shape.members[name].type_name) for name, value in known.items()}


def _as_type(value: str, kind: str) -> Any:  # noqa: ANN401 - any JSON value
    match kind:
        case "string" | "timestamp":
            return value
        case "blob":
            return b64decode(value)
        case _:
            return json.loads(value)
