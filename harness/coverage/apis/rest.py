"""Judge how far the tests have exercised the parts of an API Gateway REST API, by the requests to it.

A request takes the resource whose path fits best, as on AWS:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.coverage.apis.requests import ERRORS, judge_by, takes_anything
from harness.stack.hops.apis.routes import fits_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.coverage.apis.requests import Request, Takes, Values
    from harness.coverage.levels import Level
    from harness.values import Resource

_API = "aws_api_gateway_rest_api"
_RESOURCE = "aws_api_gateway_resource"
_METHOD = "aws_api_gateway_method"
_STAGE = "aws_api_gateway_stage"
_DEPLOYMENT = "aws_api_gateway_deployment"


def judgement(
    resource: Resource, resources: Sequence[Resource], requests: Iterable[Request]
) -> tuple[Level, str]:
    """Return the level of a part of a REST API, and why it has that."""
    takes = _TAKEN[resource.type]
    api = resource.values.get("id" if resource.type == _API else "rest_api_id")
    own = [each for each in requests if each.api == api]
    return judge_by(own, lambda request: takes(resource.values, request, resources))


def _takes_stage(values: Values, request: Request, _resources: Sequence[Resource]) -> bool:
    return bool(values.get("stage_name") == request.stage)


def _takes_deployment(values: Values, request: Request, resources: Sequence[Resource]) -> bool:
    stages = (each.values for each in resources if each.type == _STAGE)
    return any(
        stage.get("deployment_id") == values.get("id")
        and stage.get("rest_api_id") == request.api
        and _takes_stage(stage, request, resources)
        for stage in stages
    )


def _takes_path(values: Values, request: Request, resources: Sequence[Resource]) -> bool:
    path = _path_taken(request, resources)
    return path is not None and f"{path}/".startswith(f"{values.get('path')}/")


def _takes_method(values: Values, request: Request, resources: Sequence[Resource]) -> bool:
    path, ids = _path_taken(request, resources), dict(_paths(request.api, resources))
    if path is None or ids[path] != values.get("resource_id"):
        return False
    declared = (each.values for each in resources if each.type == _METHOD)
    here = {method.get("http_method") for method in declared if method.get("resource_id") == ids[path]}
    return bool(values.get("http_method") == (request.method if request.method in here else "ANY"))


def _takes_integration(values: Values, request: Request, resources: Sequence[Resource]) -> bool:
    """The gateway itself may have answered with an error, before the request came to the integration."""
    return request.status < ERRORS and _takes_method(values, request, resources)


_TAKEN: Mapping[str, Takes] = {
    _API: takes_anything,
    _STAGE: _takes_stage,
    _DEPLOYMENT: _takes_deployment,
    "aws_api_gateway_resource": _takes_path,
    _METHOD: _takes_method,
    "aws_api_gateway_integration": _takes_integration,
}
KINDS = frozenset(_TAKEN)


def _path_taken(request: Request, resources: Sequence[Resource]) -> str | None:
    """Return the path of the resource for a request, or None if there is none."""
    templates = (template for template, _ in _paths(request.api, resources))
    fitting = [template for template in templates if fits_path(template, request.path)]
    return max(fitting, key=_specificity, default=None)


def _paths(api: str, resources: Sequence[Resource]) -> Iterator[tuple[str, str]]:
    """Yield the path and the id of each resource of an API.

    The root resource has the API's id.
    """
    for each in resources:
        if each.type == _API and each.values.get("id") == api:
            yield "/", str(each.values.get("root_resource_id"))
        if each.type == _RESOURCE and each.values.get("rest_api_id") == api:
            yield str(each.values.get("path")), str(each.values.get("id"))


def _specificity(template: str) -> tuple[int, ...]:
    """Return a sort key, which is largest for the most specific template.

    Part by part, a literal comes before a parameter, and that before the rest of a path.
    """
    return tuple(2 - part.startswith("{") - part.endswith("+}") for part in template.split("/"))
