"""Integrations of APIs with AWS's services on MiniStack 1.5.33, which has those with functions and queues.

They call MiniStack itself, as the role of the integration.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-integration-types.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-aws-services.html
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import time
from base64 import b64decode
from dataclasses import dataclass, field
from functools import cache, wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import botocore.session
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ParamValidationError
from botocore.serialize import create_serializer
from defusedxml import ElementTree
from ministack.core import lambda_runtime
from ministack.services import apigateway, apigateway_v1

from lambda_process_executor.velocity import Text, Values, at_path, render

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    type Answer = tuple[int, dict[str, str], bytes]
    type Integration = Mapping[str, Any]

LOG = logging.getLogger(__name__)
_URI = re.compile(r"arn:aws[\w-]*:apigateway:([\w-]+):(?:[\w-]+\.)?([\w-]+):(path|action)/(.*)", re.DOTALL)
_EMBEDDED = re.compile(r"\$\{([\w.$\[\]-]+)\}")
_BOTO3_NAMES = {"states": "stepfunctions", "monitoring": "cloudwatch"}
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
_SESSION = "BackplaneAssumeRoleSession"  # as API Gateway calls it
_KEPT = ("integrationSubtype", "credentialsArn")
_JSON = {"Content-Type": "application/json"}
_PLACES = {"path": "path", "querystring": "query", "header": "headers"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to an API, with the values that an integration may refer to.

    Attributes:
        method: The HTTP method.
        body: The body's text.
        parameters: The parameters, by location (`path`, `querystring`, `header`) and name.
        context: The variable `$context`.
        stage_variables: The variables of the stage.
    """

    method: str
    body: str
    parameters: Mapping[str, Mapping[str, str]]
    context: Mapping[str, Any]
    stage_variables: Mapping[str, str]

    def value(self, expression: str) -> str:
        """Return the value of an expression such as `path.id`, or an empty text."""
        location, _, name = expression.partition(".")
        match location:
            case "body":
                return _as_text(at_path(self.body, f"$.{name}" if name else "$")) if name else self.body
            case "context":
                return _as_text(at_path(json.dumps(self.context, default=str), f"$.{name}"))
            case "stageVariables":
                return self.stage_variables.get(name, "")
        found = self.parameters.get(location, {})
        return found.get(name) or {key.lower(): value for key, value in found.items()}.get(name.lower(), "")

    def render(self, template: str, body: str) -> str:
        """Return the text that a mapping template makes of a body."""
        return render(
            template,
            body,
            parameters=self.parameters,
            context=self.context,
            stage_variables=self.stage_variables,
        )


@dataclass(slots=True, kw_only=True)
class Call:
    """A call of a service, about to be sent."""

    service: str
    region: str
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: str | bytes = ""


def install() -> None:
    """Let APIs call services."""
    apigateway_v1._invoke_lambda_custom_v1 = _invoke_service  # noqa: SLF001 - the version is pinned
    apigateway_v1._invoke_sqs_v1 = _invoke_service  # noqa: SLF001
    apigateway._create_integration = _with_subtype(apigateway._create_integration)  # noqa: SLF001
    apigateway._update_integration = _with_new_subtype(apigateway._update_integration)  # noqa: SLF001
    apigateway._invoke_lambda_proxy = _or_by_subtype(apigateway._invoke_lambda_proxy)  # noqa: SLF001


async def _invoke_service(
    *given: Any,  # noqa: ANN401 - MiniStack's
    owner_account_id: str,
    authorizer_context: Mapping[str, Any] | None = None,
    **_others: object,
) -> Answer:
    """Carry out an integration `AWS` of a REST API."""
    integration, api, stage_name, stage, resource, path, method, *sent_along = given
    about = {
        **_context(api, stage_name, path, method, owner_account_id),
        "resourcePath": resource["path"],
        "authorizer": Values(authorizer_context or {}),
        "requestOverride": Values(header=Values(), path=Values(), querystring=Values()),
        "responseOverride": Values(header=Values()),
    }
    request = _request(method, *sent_along, context=about, stage_variables=stage.get("variables"))
    call = _call_of(integration, request)
    if call is None:
        return _failed(f"an API can't call {integration.get('uri')!r}")
    sent = await asyncio.to_thread(_send, call, integration.get("credentials"), owner_account_id)
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
    about = _model(call.service).metadata
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
        return _failed(f"no response of the integration is for the status {status}: {text[:500]}")
    templates = chosen.get("responseTemplates") or {}
    accepted = next((kind for kind in (_accepted(request), *templates) if kind in templates), None)
    body = request.render(templates[accepted], text) if accepted and templates[accepted] else text
    override = request.context["responseOverride"]
    named = {"Content-Type": accepted or "application/json", **_named(chosen, headers, text)}
    named |= {name: str(value) for name, value in override["header"].items()}
    return int(override.get("status") or chosen.get("statusCode") or 200), named, body.encode()


def _accepted(request: Request) -> str:
    return request.value("header.accept").partition(",")[0].partition(";")[0].strip().lower()


def _chosen(integration: Integration, outcome: str) -> Mapping[str, Any] | None:
    responses = (integration.get("integrationResponses") or {}).values()
    matching = (each for each in responses if re.fullmatch(each.get("selectionPattern") or r"(?!)", outcome))
    default = (each for each in responses if not each.get("selectionPattern"))
    return next(matching, None) or next(default, None)


def _named(chosen: Mapping[str, Any], headers: Mapping[str, str], text: str) -> dict[str, str]:
    """Return the headers that an integration's response sets."""
    found = {}
    for target, source in (chosen.get("responseParameters") or {}).items():
        name = target.removeprefix("method.response.header.")
        location, _, key = source.removeprefix("integration.response.").partition(".")
        if source.startswith("'"):
            found[name] = source.strip("'")
        elif location == "header" and key.lower() in headers:
            found[name] = headers[key.lower()]
        elif location == "body":
            found[name] = _as_text(at_path(text, f"$.{key}" if key else "$"))
    return found


def _with_subtype(known: Callable[..., Answer]) -> Callable[..., Answer]:
    @wraps(known)
    def create(api: str, data: Mapping[str, Any]) -> Answer:
        answer = known(api, data)
        made = json.loads(answer[2]).get("integrationId")
        return _keep(api, made, data) if made else answer

    return create


def _with_new_subtype(known: Callable[..., Answer]) -> Callable[..., Answer]:
    @wraps(known)
    def update(api: str, name: str, data: Mapping[str, Any]) -> Answer:
        answer = known(api, name, data)
        return _keep(api, name, data) if "integrationId" in json.loads(answer[2]) else answer

    return update


def _keep(api: str, name: str, data: Mapping[str, Any]) -> Answer:
    """Keep the fields of an integration that MiniStack drops, and return it."""
    held = apigateway._integrations[api][name]  # noqa: SLF001
    held |= {each: data[each] for each in _KEPT if data.get(each)}
    answer: Answer = apigateway._get_integration(api, name)  # noqa: SLF001
    return (201 if answer[0] == 200 else answer[0], *answer[1:])  # noqa: PLR2004 - HTTP's


def _or_by_subtype(known: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    @wraps(known)
    async def invoke(integration: Integration, *given: Any, **others: Any) -> Answer:  # noqa: ANN401 - MiniStack's
        if "integrationSubtype" not in integration:
            return await known(integration, *given, **others)
        api, stage, path, method, headers, body, query, route, path_parameters = given
        account, region = others["owner_account_id"], others["owner_region"]
        about = _context(api, stage, path, method, account) | {"routeKey": route}
        sent_along = (headers, body, query, path_parameters)
        request = _request(method, *sent_along, context=about, stage_variables={})
        try:
            call = _call_of_subtype(integration, request, region)
        except (ParamValidationError, ValueError) as problem:
            return _failed(f"{integration['integrationSubtype']} can't be called: {problem}")
        status, named, text = await asyncio.to_thread(_send, call, integration.get("credentialsArn"), account)
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
    model = _model(name).operation_model(operation)
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


def _request(
    method: str,
    headers: Mapping[str, str],
    body: bytes,
    query: Mapping[str, Any],
    path: Mapping[str, str] | None,
    *,
    context: Mapping[str, Any],
    stage_variables: Mapping[str, str] | None,
) -> Request:
    last = {name: value[-1] if isinstance(value, list) else value for name, value in (query or {}).items()}
    parameters = {"path": path or {}, "querystring": last, "header": headers}
    return Request(
        method=method,
        body=(body or b"").decode("utf-8", "replace"),
        parameters=parameters,
        context=Values(context),
        stage_variables=stage_variables or {},
    )


def _context(api: str, stage: str, path: str, method: str, account: str) -> dict[str, Any]:
    now = time.time()
    return {
        "accountId": account,
        "apiId": api,
        "httpMethod": Text(method),
        "identity": Values(sourceIp="127.0.0.1"),
        "path": f"/{stage}{path}",
        "requestId": str(uuid4()),
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "requestTimeEpoch": int(now * 1000),
        "stage": stage,
    }


def _send(call: Call, role: str | None, account: str) -> tuple[int, dict[str, str], str]:
    """Send a call to MiniStack, and return the status, the headers in lower case, and the text as JSON."""
    query = f"?{urlencode(call.query, quote_via=quote)}" if call.query else ""  # as it is signed
    url = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}{call.path}{query}"
    body = call.body.encode() if isinstance(call.body, str) else call.body
    request = AWSRequest(method=call.method, url=url, headers=call.headers, data=body)
    signed_as = _model(call.service).signing_name
    SigV4Auth(_credentials(call, role, account), signed_as, call.region).add_auth(request)
    answer = _pool().request(
        call.method, url, body=body, headers=dict(request.headers.items()), redirect=False
    )
    headers = {name.lower(): value for name, value in answer.headers.items()}
    text = answer.data.decode("utf-8", "replace")
    return answer.status, headers, _xml_as_json(text) if _is_query(call, text) else text


def _is_query(call: Call, text: str) -> bool:
    """Return whether API Gateway asks for an answer in JSON where MiniStack answers in XML."""
    return call.service in {"sqs", "sns"} and call.headers.get("Accept") == "application/json" and "<" in text


def _xml_as_json(text: str) -> str:
    root = ElementTree.fromstring(text)
    return json.dumps({_local(root): _tree(root)})


def _tree(node: Any) -> Any:  # noqa: ANN401 - an element, and any JSON value
    return {_local(child): _tree(child) for child in node} if len(node) else (node.text or "").strip()


def _local(node: Any) -> str:  # noqa: ANN401
    return str(node.tag).rpartition("}")[2]


def _credentials(call: Call, role: str | None, account: str) -> Credentials:
    """Return the keys of a role, or those of the account."""
    if not role:
        return Credentials(account, "test")
    name = role.rpartition("/")[2]
    function = f"arn:aws:lambda:{call.region}:{account}:function:{name}"  # whose keys MiniStack makes up
    config = {"Role": role, "FunctionArn": function, "FunctionName": _SESSION}
    keys = lambda_runtime.execution_credentials(config)
    return Credentials(
        keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], keys.get("AWS_SESSION_TOKEN") or None
    )


def _failed(reason: str) -> Answer:
    LOG.warning("API Gateway answers 500, because %s", reason)
    return 500, _JSON, b'{"message": "Internal server error"}'


def _as_text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


@cache
def _model(service: str) -> Any:  # noqa: ANN401 - botocore's
    return botocore.session.get_session().get_service_model(service)


@cache
def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(retries=False)
