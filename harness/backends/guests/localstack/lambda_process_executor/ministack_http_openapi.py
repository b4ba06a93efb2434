"""ReimportApi, which MiniStack 1.5.33 lacks: the `body` of an HTTP API in Terraform.

https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-open-api.html
"""

from __future__ import annotations

import json
from functools import wraps
from typing import TYPE_CHECKING, Any

import yaml  # type: ignore[import-untyped]
from ministack.services import apigateway

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    type Answer = tuple[int, dict[str, str], bytes]
    type Handler = Callable[[str, str, Any, bytes, Any], Awaitable[Answer]]
    type Described = Mapping[str, Any]

_ANY = "x-amazon-apigateway-any-method"
_AUTHORIZER = "x-amazon-apigateway-authorizer"
_CORS = "x-amazon-apigateway-cors"
_INTEGRATION = "x-amazon-apigateway-integration"
_DEFAULT = "/$default"
_METHODS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", _ANY})


def install() -> None:
    """Make MiniStack accept Terraform's `body` of an HTTP API."""
    apigateway.handle_request = _with_reimport(apigateway.handle_request)


def _with_reimport(known: Handler) -> Handler:
    @wraps(known)
    async def handle(method: str, path: str, headers: object, body: bytes, query: object) -> Answer:
        match path.strip("/").split("/"):
            case ["v2", "apis", api] if method == "PUT":
                return _reimport(api, body)
        return await known(method, path, headers, body, query)

    return handle


def _reimport(api: str, body: bytes) -> Answer:
    answer: Answer
    if api not in apigateway._apis:  # noqa: SLF001 - the version is pinned
        answer = apigateway._api_not_found(api)  # noqa: SLF001
        return answer
    try:
        described = yaml.safe_load(json.loads(body)["body"])  # JSON is YAML, too
        paths = described["paths"]
    except (yaml.YAMLError, KeyError, TypeError) as problem:
        refused = f"Unable to parse API definition: {problem}"
        answer = apigateway._apigw_error("BadRequestException", refused, 400)  # noqa: SLF001
        return answer
    for held in (apigateway._routes, apigateway._integrations, apigateway._authorizers):  # noqa: SLF001
        held.setdefault(api, {}).clear()
    authorizers = dict(_create_authorizers(api, described))
    for path, operations in paths.items():
        for method in _METHODS & operations.keys():
            security = operations[method].get("security", described.get("security"))
            _create_route(api, _route_key(path, method), operations[method], _guard(security, authorizers))
    answer = apigateway._update_api(api, _settings(described))  # noqa: SLF001
    return answer


def _settings(described: Described) -> dict[str, Any]:
    about = described.get("info", {})
    named = {"name": "title", "description": "description", "version": "version"}
    told = {field: str(about[name]) for field, name in named.items() if name in about}
    return told | {"corsConfiguration": described.get(_CORS)}


def _create_authorizers(api: str, described: Described) -> Iterator[tuple[str, Described]]:
    schemes = described.get("components", {}).get("securitySchemes", {})
    for name, scheme in schemes.items():
        if one := scheme.get(_AUTHORIZER):
            source = one.get("identitySource", "$request.header.Authorization")
            sources = source if isinstance(source, list) else source.split(",")
            kind = str(one["type"]).upper()
            told = {**one, "name": name, "authorizerType": kind, "identitySource": sources}
            yield name, _created(apigateway._create_authorizer(api, told))  # noqa: SLF001


def _guard(security: list[Mapping[str, list[str]]] | None, authorizers: Mapping[str, Described]) -> Described:
    """Return the settings of a route that one of the authorizers guards."""
    for name, scopes in ((name, scopes) for each in security or [] for name, scopes in each.items()):
        if guard := authorizers.get(name):
            kind = "JWT" if guard["authorizerType"] == "JWT" else "CUSTOM"
            told = {"authorizationType": kind, "authorizerId": guard["authorizerId"]}
            return {**told, "authorizationScopes": scopes} if scopes else told
    return {}


def _create_route(api: str, key: str, operation: Described, guard: Described) -> None:
    integration = operation.get(_INTEGRATION)
    if not integration:
        return
    described = {
        **integration,
        "integrationType": str(integration["type"]).upper(),
        "integrationUri": integration.get("uri", ""),
        "integrationMethod": integration.get("httpMethod", "POST"),
        "credentialsArn": integration.get("credentials", ""),
    }
    made = _created(apigateway._create_integration(api, described))  # noqa: SLF001
    target = f"integrations/{made['integrationId']}"
    apigateway._create_route(api, {**guard, "routeKey": key, "target": target})  # noqa: SLF001


def _route_key(path: str, method: str) -> str:
    if path == _DEFAULT:
        return "$default"
    return f"{'ANY' if method == _ANY else method.upper()} {path}"


def _created(answer: Answer) -> Described:
    made: Described = json.loads(answer[2])
    return made
