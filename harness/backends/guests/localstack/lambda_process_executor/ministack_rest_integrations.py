"""Integrations of REST APIs on MiniStack 1.5.33, which calls functions and queues, and evaluates no mock.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-integration-types.html
"""

from __future__ import annotations

import asyncio
import re
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ministack.services import apigateway_v1

from lambda_process_executor.api_requests import Request, as_text, context_of, request_of
from lambda_process_executor.service_calls import Call, failed, model_of, send
from lambda_process_executor.velocity import Values, at_path

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from lambda_process_executor.service_calls import Answer

    type Integration = Mapping[str, Any]

_URI = re.compile(r"arn:aws[\w-]*:apigateway:([\w-]+):(?:[\w-]+\.)?([\w-]+):(path|action)/(.*)", re.DOTALL)
_BOTO3_NAMES = {"states": "stepfunctions", "monitoring": "cloudwatch"}
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
_PLACES = {"path": "path", "querystring": "query", "header": "headers"}
_STATUS = re.compile(r"[\"']?statusCode[\"']?\s*:\s*[\"']?(\d{3})\b")
_REQUEST: ContextVar[Request] = ContextVar("request")  # the one that is answered


def install() -> None:
    """Let REST APIs call services, and answer by their templates if they call none."""
    apigateway_v1._invoke_lambda_custom_v1 = _invoke_service  # noqa: SLF001 - the version is pinned
    apigateway_v1._invoke_sqs_v1 = _invoke_service  # noqa: SLF001
    apigateway_v1._invoke_mock_v1 = _answer_without_service  # noqa: SLF001
    apigateway_v1._authorize_request_v1 = _with_request(apigateway_v1._authorize_request_v1)  # noqa: SLF001


def _with_request(known: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Keep the request, which MiniStack authorizes first and then hands to no mock."""

    @wraps(known)
    async def authorize(*given: Any) -> Any:  # noqa: ANN401 - MiniStack's
        refusal, authorizer_context = await known(*given)
        api, stage_name, _method_object, method, path, resource, *sent_along, stage, account, _region = given
        about = _about(
            api, stage_name, path, method, account, resource=resource, authorizer=authorizer_context
        )
        _REQUEST.set(request_of(method, *sent_along, context=about, stage_variables=stage.get("variables")))
        return refusal, authorizer_context

    return authorize


def _about(*named: str, resource: Mapping[str, Any], authorizer: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the variable `$context` of a request to a resource."""
    return {
        **context_of(*named),
        "resourcePath": resource["path"],
        "authorizer": Values(authorizer or {}),
        "requestOverride": Values(header=Values(), path=Values(), querystring=Values()),
        "responseOverride": Values(header=Values()),
    }


def _answer_without_service(integration: Integration) -> Answer:
    """Carry out an integration `MOCK`, whose request template says which of its responses is chosen."""
    request = _REQUEST.get()
    status = _STATUS.search(_mapped_body(integration, request))
    if not status:
        return failed("the template of a MOCK integration makes no statusCode")
    return _response(integration, request, int(status[1]), {}, "")


async def _invoke_service(
    integration: Integration, *_given: object, owner_account_id: str, **_others: object
) -> Answer:
    """Carry out an integration `AWS` of a REST API."""
    request = _REQUEST.get()
    call = _call_of(integration, request)
    if call is None:
        return failed(f"an API can't call {integration.get('uri')!r}")
    sent = await asyncio.to_thread(send, call, integration.get("credentials"), owner_account_id)
    return _response(integration, request, *sent)


def _call_of(integration: Integration, request: Request) -> Call | None:
    """Return the call that an integration of a REST API makes, or None if its URI names no service."""
    matched = _URI.fullmatch(integration.get("uri") or "")
    if not matched:
        return None
    region, service, kind, rest = matched.groups()
    method, body = integration.get("httpMethod") or "POST", _mapped_body(integration, request)
    placed = _placed(integration, request)
    content = request.value("header.content-type") or "application/json"
    call = Call(
        service=_BOTO3_NAMES.get(service, service),
        region=region,
        method=method,
        path="/",
        query=dict(placed["query"]),
        headers={"Content-Type": content, "Accept": "application/json", **placed["headers"]},
        body="" if method in _WITHOUT_BODY else body,
    )
    if kind == "path":
        for name, value in placed["path"].items():
            rest = rest.replace(f"{{{name}}}", quote(value, safe="/"))
        call.path = f"/{rest.lstrip('/')}"
    else:
        _name_action(call, rest, is_typed="Content-Type" in placed["headers"])
    return call


def _name_action(call: Call, action: str, *, is_typed: bool) -> None:
    """Say in the service's own protocol which action is called."""
    about = model_of(call.service).metadata
    if "targetPrefix" in about:
        call.headers.setdefault("X-Amz-Target", f"{about['targetPrefix']}.{action}")
        if not is_typed:
            call.headers["Content-Type"] = f"application/x-amz-json-{about['jsonVersion']}"
    else:
        call.query.setdefault("Action", action)


def _mapped_body(integration: Integration, request: Request) -> str:
    """Return the body that the template for the request's content type makes, or the request's own."""
    content = (request.value("header.content-type") or "application/json").partition(";")[0].strip().lower()
    templates = {kind.lower(): text for kind, text in (integration.get("requestTemplates") or {}).items()}
    template = templates.get(content, templates.get("$default"))
    return request.body if template is None else request.render(template, request.body)


def _placed(integration: Integration, request: Request) -> dict[str, dict[str, str]]:
    """Return the parameters that an integration sets: `path`, `query` and `headers`, overrides included."""
    placed: dict[str, dict[str, str]] = {"path": {}, "query": {}, "headers": {}}
    for target, source in (integration.get("requestParameters") or {}).items():
        location, _, name = target.removeprefix("integration.request.").partition(".")
        constant = source.startswith("'")
        value = source.strip("'") if constant else request.value(source.removeprefix("method.request."))
        if value:
            placed[_PLACES[location]][name] = value
    for location, place in _PLACES.items():
        placed[place] |= {name: str(value) for name, value in _overrides(request, location).items()}
    return placed


def _overrides(request: Request, location: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = request.context["requestOverride"][location]
    return found


def _response(
    integration: Integration, request: Request, status: int, headers: Mapping[str, str], text: str
) -> Answer:
    """Return what the integration's responses make of a service's answer."""
    error = headers.get("x-amz-function-error") and at_path(text, "$.errorMessage")
    chosen = _chosen(integration, str(status) if error is None else str(error))
    if chosen is None:
        return failed(f"no response of the integration is for the status {status}: {text[:500]}")
    templates = chosen.get("responseTemplates") or {}
    accepted = next((kind for kind in (_accepted(request), *templates) if kind in templates), None)
    body = request.render(templates[accepted], text) if accepted and templates[accepted] else text
    override = request.context["responseOverride"]
    named = {"Content-Type": accepted or "application/json", **_named(chosen, request, headers, text)}
    named |= {name: str(value) for name, value in override["header"].items()}
    return int(override.get("status") or chosen.get("statusCode") or 200), named, body.encode()


def _accepted(request: Request) -> str:
    return request.value("header.accept").partition(",")[0].partition(";")[0].strip().lower()


def _chosen(integration: Integration, outcome: str) -> Mapping[str, Any] | None:
    responses = (integration.get("integrationResponses") or {}).values()
    matching = (each for each in responses if re.fullmatch(each.get("selectionPattern") or r"(?!)", outcome))
    default = (each for each in responses if not each.get("selectionPattern"))
    return next(matching, None) or next(default, None)


def _named(
    chosen: Mapping[str, Any], request: Request, headers: Mapping[str, str], text: str
) -> dict[str, str]:
    """Return the headers that an integration's response sets."""
    found = {}
    for target, source in (chosen.get("responseParameters") or {}).items():
        name = target.removeprefix("method.response.header.")
        location, _, key = source.removeprefix("integration.response.").partition(".")
        if source.startswith("'"):
            found[name] = source.strip("'")
        elif location == "body":
            found[name] = as_text(at_path(text, f"$.{key}" if key else "$"))
        elif location in {"context", "stageVariables"}:
            found[name] = request.value(source)
        elif key.lower() in headers:
            found[name] = headers[key.lower()]
    return found
