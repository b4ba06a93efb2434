"""How far the tests have exercised the parts of an API Gateway HTTP API, judged by the requests to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.coverage.apis.requests import ERRORS, judge_by, takes_anything
from harness.coverage.levels import Level
from harness.stack.hops.apis.routes import Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.coverage.apis.requests import Request, Takes, Values
    from harness.values import Resource

_API = "aws_apigatewayv2_api"
_ROUTE = "aws_apigatewayv2_route"
_STAGE = "aws_apigatewayv2_stage"
_INTEGRATION = "aws_apigatewayv2_integration"
_DEFAULT = "$default"


def judgement(
    resource: Resource, resources: Sequence[Resource], requests: Iterable[Request]
) -> tuple[Level, str]:
    """Return the level of a part of an HTTP API, and why it has that."""
    id_ = resource.values.get("id" if resource.type == _API else "api_id")
    api = next((each.values for each in resources if each.type == _API and each.values.get("id") == id_), {})
    if doubt := _doubt(resource, api):
        return Level.UNKNOWN, doubt
    own = [each for each in resources if each.values.get("api_id") == id_]
    staged = [_at_its_stage(each, own) for each in requests if each.api == id_]
    takes = _TAKEN[resource.type]
    return judge_by(staged, lambda request: takes(resource.values, request, own))


def _doubt(resource: Resource, api: Values) -> str:
    """Return the reason why a part can't be judged, or an empty text."""
    if api.get("protocol_type") != "HTTP":
        return "the log has no messages to WebSocket APIs" if api else "its API is not one of the stack"
    if api.get("body") and resource.type in {_ROUTE, _INTEGRATION}:
        return "other routes of its API are those of an OpenAPI document"
    return ""


def _at_its_stage(request: Request, own: Sequence[Resource]) -> Request:
    """Return a request with its stage. AWS serves the stage `$default` without its name in the path."""
    stages = {each.values.get("name") for each in own if each.type == _STAGE}
    if request.stage in stages or _DEFAULT not in stages:
        return request
    return replace(request, stage=_DEFAULT, path=f"/{request.stage}{request.path}")


def _takes_stage(values: Values, request: Request, _own: Sequence[Resource]) -> bool:
    return bool(values.get("name") == request.stage)


def _takes_route(values: Values, request: Request, own: Sequence[Resource]) -> bool:
    taken = _route_taken(request, own)
    return taken is not None and taken.get("route_key") == values.get("route_key")


def _takes_integration(values: Values, request: Request, own: Sequence[Resource]) -> bool:
    """The gateway itself may have answered with an error, before the request came to the integration."""
    taken = _route_taken(request, own) if request.status < ERRORS else None
    return taken is not None and taken.get("target") == f"integrations/{values.get('id')}"


def _route_taken(request: Request, own: Sequence[Resource]) -> Values | None:
    """Return the most specific route for a request, or None if there is none."""
    routes = [(_read(each.values), each.values) for each in own if each.type == _ROUTE]
    fitting = [(route.rank(), values) for route, values in routes if route.fits(request.method, request.path)]
    return min(fitting, key=lambda each: each[0], default=(None, None))[1]


def _read(values: Values) -> Route:
    method, _, path = str(values.get("route_key")).rpartition(" ")
    return Route(method=method or "ANY", path=path, target=str(values.get("target")))


_TAKEN: Mapping[str, Takes] = {
    _API: takes_anything,
    _STAGE: _takes_stage,
    _ROUTE: _takes_route,
    _INTEGRATION: _takes_integration,
}
KINDS = frozenset(_TAKEN)
