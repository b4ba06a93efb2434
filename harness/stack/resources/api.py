"""APIs: REST, HTTP API, function URLs, load balancers, and GraphQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import ResourceError
from harness.stack.resources import lookup

if TYPE_CHECKING:
    from harness.stack.resources.lookup import Stack
    from harness.values import Resource

# The stages of each type of API, and the attribute that names their API.
_APIS = {
    "aws_api_gateway_rest_api": (("aws_api_gateway_stage", "aws_api_gateway_deployment"), "rest_api_id"),
    "aws_apigatewayv2_api": (("aws_apigatewayv2_stage",), "api_id"),
}
# They have no stages, and are looked at if no API fits.
_OTHERS = ("aws_lb", "aws_alb", "aws_appsync_graphql_api")
_DEFAULT = "$default"


def published_url(stack: Stack, which: str | None) -> str:
    """Return the URL on AWS of the API that `which` names.

    If `which` names an output, that is the output's value with its path. Otherwise it is the URL of the
    stage, of the function, of the load balancer, or of the GraphQL API. If an API has one stage, you may name
    the API instead of the stage. An output may also hold the endpoint of an HTTP API.

    Raises:
        ResourceError: No API fits, or several do.
    """
    wanted = str(stack.outputs.untraced.get(which or "", ""))
    try:
        return _with_path(lookup.find(stack, "api", which), wanted)
    except ResourceError as problem:
        kinds = (*(_APIS if which is not None else ()), *_OTHERS)
        others = [each for kind in kinds for each in stack.resources(kind)]
        if problem.fitting or not others:
            raise
    api = lookup.choose("api", which, [*others, *lookup.of_kind(stack, "api")], stack.outputs.untraced)
    if api.type not in _APIS:
        return _with_path(api, wanted)
    endpoint = str(api.values.get("api_endpoint") or "")
    path = wanted.removeprefix(endpoint) if endpoint and wanted.startswith(endpoint) else ""
    return _with_path(_stage(stack, api, path), wanted, path)


def _with_path(stage: Resource, wanted: str, path: str = "") -> str:
    """Return the URL of a stage or the like, followed by the path in an output."""
    url = _url(stage)
    if wanted.startswith(url.rstrip("/")):
        return wanted
    own = f"/{_name(stage)}"
    below = path.removeprefix(own) if f"{path}/".startswith(f"{own}/") else path
    return url.rstrip("/") + below if below else url


def _url(resource: Resource) -> str:
    values = resource.values
    if resource.type in {"aws_lb", "aws_alb"}:
        return f"http://{values['dns_name']}"
    if resource.type == "aws_appsync_graphql_api":
        return str(values["uris"]["GRAPHQL"])
    return str(values.get("invoke_url") or values.get("function_url"))


def _stage(stack: Stack, api: Resource, path: str) -> Resource:
    """Return the stage of an API: the one at the beginning of the path, else the only one."""
    kinds, key = _APIS[api.type]
    stages = [
        stage
        for stage in lookup.of_kind(stack, "api")
        if stage.type in kinds and stage.values[key] == api.values["id"]
    ]
    names = (path.strip("/").partition("/")[0], _DEFAULT)
    named = [stage for name in names for stage in stages if path and _name(stage) == name]
    return lookup.choose("api", None, named[:1] or stages, {})


def _name(stage: Resource) -> str:
    return str(stage.values.get("name") or stage.values.get("stage_name") or "")
