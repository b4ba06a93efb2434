"""APIs: REST, HTTP API, and function URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import ResourceError
from harness.resources import lookup

if TYPE_CHECKING:
    from harness.resources.lookup import Stack
    from harness.values import Resource

_APIS = {
    "aws_api_gateway_rest_api": ("aws_api_gateway_stage", "rest_api_id"),
    "aws_apigatewayv2_api": ("aws_apigatewayv2_stage", "api_id"),
}


def published_url(stack: Stack, which: str | None) -> str:
    """Return the URL on AWS of the API that `which` names.

    That is an output's own value if `which` names an output, with the path that it has; else the URL
    of the stage or function URL. An API that has one stage may be named in its stage's place.

    Raises:
        ResourceError: No API fits, or several do.
    """
    found = _found(stack, which)
    told = str(stack.outputs.values.get(which or "", ""))
    url = str(found.values.get("invoke_url") or found.values.get("function_url"))
    return told if told.startswith(url.rstrip("/")) else url


def _found(stack: Stack, which: str | None) -> Resource:
    try:
        return lookup.find(stack, "api", which)
    except ResourceError as problem:
        apis = [api for kind in _APIS for api in stack.resources(kind)]
        if problem.fitting or which is None or not apis:
            raise
        known = [*apis, *lookup.of_kind(stack, "api")]
        api = lookup.choose("api", which, known, stack.outputs.values)
    stage, key = _APIS[api.type]
    stages = [each for each in stack.resources(stage) if each.values[key] == api.values["id"]]
    return lookup.choose("api", None, stages, {})
