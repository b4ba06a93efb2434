"""PutRestApi, which MiniStack 1.5.33 lacks. It imports OpenAPI only for CloudFormation, and less of it.

https://docs.aws.amazon.com/apigateway/latest/api/API_PutRestApi.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
"""

from __future__ import annotations

import json
from functools import wraps
from typing import TYPE_CHECKING, Any

import yaml  # type: ignore[import-untyped]
from ministack.services import apigateway_v1

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    type Answer = tuple[int, dict[str, str], bytes]
    type Handler = Callable[[str, str, Any, bytes, Any], Awaitable[Answer]]

_ANY = "x-amazon-apigateway-any-method"
_INTEGRATION = "x-amazon-apigateway-integration"
_BINARY = "x-amazon-apigateway-binary-media-types"


def install() -> None:
    """Make MiniStack accept Terraform's `body` of a REST API."""
    apigateway_v1._OPENAPI_HTTP_METHODS.add(_ANY)  # noqa: SLF001 - the version is pinned
    apigateway_v1._import_operation = _import_operation  # noqa: SLF001
    apigateway_v1.handle_request = _with_put_rest_api(apigateway_v1.handle_request)


def _with_put_rest_api(known: Handler) -> Handler:
    @wraps(known)
    async def handle(
        method: str, path: str, headers: object, body: bytes, query: Mapping[str, Any]
    ) -> Answer:
        match path.strip("/").split("/"):
            case ["restapis", api] if method == "PUT":
                return _put_rest_api(api, body, is_merge="merge" in query.get("mode", ""))
        return await known(method, path, headers, body, query)

    return handle


def _put_rest_api(api: str, body: bytes, *, is_merge: bool) -> Answer:
    held = apigateway_v1._rest_apis.get(api)  # noqa: SLF001
    if held is None:
        return _refused("NotFoundException", "Invalid API identifier specified", 404)
    try:
        described = yaml.safe_load(body)  # JSON is YAML, too
    except yaml.YAMLError as problem:
        return _refused("BadRequestException", f"Unable to parse API definition: {problem}", 400)
    if not isinstance(described, dict) or not isinstance(described.get("paths"), dict):
        return _refused("BadRequestException", "Unable to parse API definition: it has no paths", 400)
    if not is_merge:
        _clear(api)
    held["binaryMediaTypes"] = described.get(_BINARY, held["binaryMediaTypes"])
    schemes = apigateway_v1._import_security_schemes(api, described)  # noqa: SLF001
    for path, operations in described["paths"].items():
        apigateway_v1._import_path_item(api, path, operations, schemes, described.get("security"))  # noqa: SLF001
    answer: Answer = apigateway_v1._get_rest_api(api)  # noqa: SLF001
    return answer


def _clear(api: str) -> None:
    """Reduce an API to its root without methods, because nothing is kept when it is overwritten."""
    resources = apigateway_v1._resources[api]  # noqa: SLF001
    for name in [name for name, resource in resources.items() if resource["path"] != "/"]:
        del resources[name]
    for root in resources.values():
        root["resourceMethods"].clear()
    apigateway_v1._authorizers_v1[api].clear()  # noqa: SLF001


def _import_operation(
    api: str,
    resource: str,
    method: str,
    operation: Mapping[str, Any] | None,
    schemes: Mapping[str, Any] | None = None,
    security: object = None,
) -> None:
    """Create a method with its operation's whole integration. MiniStack itself keeps three fields."""
    described, name = operation or {}, "ANY" if method == _ANY.upper() else method
    allowed = apigateway_v1._method_security(described.get("security", security), schemes or {})  # noqa: SLF001
    apigateway_v1._put_method(api, resource, name, allowed)  # noqa: SLF001
    for status, answer in described.get("responses", {}).items():
        apigateway_v1._put_method_response(api, resource, name, str(status), _declared(answer))  # noqa: SLF001
    integration = described.get(_INTEGRATION)
    if not integration:
        return
    upper = {key: integration[key].upper() for key in ("passthroughBehavior", "type") if key in integration}
    apigateway_v1._put_integration(api, resource, name, {**integration, **upper})  # noqa: SLF001
    for pattern, response in integration.get("responses", {}).items():
        chosen = {**response, "selectionPattern": "" if pattern == "default" else pattern}
        apigateway_v1._put_integration_response(api, resource, name, str(response["statusCode"]), chosen)  # noqa: SLF001


def _declared(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the headers that a response may have, as PutMethodResponse takes them."""
    headers = answer.get("headers", {}) if answer else {}
    return {"responseParameters": {f"method.response.header.{header}": False for header in headers}}


def _refused(code: str, message: str, status: int) -> Answer:
    return (
        status,
        {"Content-Type": "application/json", "x-amzn-ErrorType": code},
        json.dumps({"message": message}).encode(),
    )
