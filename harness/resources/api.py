"""APIs: REST, HTTP API, and function URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import ResourceError
from harness.resources import lookup

if TYPE_CHECKING:
    from harness.resources.lookup import Stack
    from harness.values import Resource

# The stages of each type of API, and the attribute that names their API.
_APIS = {
    "aws_api_gateway_rest_api": (("aws_api_gateway_stage", "aws_api_gateway_deployment"), "rest_api_id"),
    "aws_apigatewayv2_api": (("aws_apigatewayv2_stage",), "api_id"),
}
_DEFAULT = "$default"


def published_url(stack: Stack, which: str | None) -> str:
    """Return the URL on AWS of the API that `which` names.

    If `which` names an output, that is the output's value with its path. Otherwise it is the URL of the stage
    or of the function. If an API has one stage, you may name the API instead of the stage. An output may also
    hold the endpoint of an HTTP API.

    Raises:
        ResourceError: No API fits, or several do.
    """
    wanted = str(stack.outputs.untraced.get(which or "", ""))
    try:
        found = lookup.find(stack, "api", which)
    except ResourceError as problem:
        apis = [api for kind in _APIS for api in stack.resources(kind)]
        if problem.fitting or which is None or not apis:
            raise
    else:
        return _with_path(found, wanted)
    api = lookup.choose("api", which, [*apis, *lookup.of_kind(stack, "api")], stack.outputs.untraced)
    endpoint = str(api.values.get("api_endpoint") or "")
    path = wanted.removeprefix(endpoint) if endpoint and wanted.startswith(endpoint) else ""
    return _with_path(_stage(stack, api, path), wanted, path)


def _with_path(stage: Resource, wanted: str, path: str = "") -> str:
    """Return the URL of a stage or a function, followed by the path in an output."""
    url = str(stage.values.get("invoke_url") or stage.values.get("function_url"))
    if wanted.startswith(url.rstrip("/")):
        return wanted
    own = f"/{_name(stage)}"
    below = path.removeprefix(own) if f"{path}/".startswith(f"{own}/") else path
    return url.rstrip("/") + below if below else url


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
