"""The routes of APIs and function URLs, as AWS's APIs describe them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.stack.hops.hop import Tracer

_FUNCTION = re.compile(r"arn:[\w-]+:lambda:[\w-]+:\d*:function:[\w-]+(:[\w-]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The configuration of an API for a method and a path.

    Attributes:
        method: The HTTP method, or `ANY`.
        path: The path, with parameters such as `{name}` and `{proxy+}`.
        target: The ARN of the function that it invokes, or the description of another integration.
        authorization: The required authorization. `NONE` for nothing.
        authorizer: The ARN of the authorizer function. Empty if there is none.
    """

    method: str
    path: str
    target: str
    authorization: str = "NONE"
    authorizer: str = ""

    def __str__(self) -> str:
        """Return it as HTTP APIs name their routes."""
        return self.path if self.path == "$default" else f"{self.method} {self.path}"

    @property
    def function(self) -> str:
        """The ARN of the function that it invokes, or an empty text."""
        return self.target if _FUNCTION.fullmatch(self.target) else ""

    def fits(self, method: str, path: str) -> bool:
        """Return whether it is for such a request."""
        return self.path == "$default" or (self.method in {"ANY", method} and fits_path(self.path, path))

    def rank(self) -> tuple[bool, int, int, bool]:
        """Return a sort key, which is smallest for the most specific route.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
        """
        return self.path == "$default", self.path.count("+}"), self.path.count("{"), self.method == "ANY"


def fits_path(template: str, path: str) -> bool:
    """Return whether a path fits a template with parameters such as `{name}` and `{proxy+}`."""
    steps = (
        re.escape(step) if not step.startswith("{") else ".+" if step.endswith("+}") else "[^/]+"
        for step in template.strip("/").split("/")
    )
    return re.fullmatch("/".join(steps), path.strip("/")) is not None


def routes_of(tracer: Tracer, api: str, arn: str) -> list[Route]:
    """Return the routes of the API with this id, in the region of `arn`."""
    try:
        return list(_of_rest_api(tracer.client("apigateway", arn), api))
    except ClientError:  # it is no REST API
        return list(_of_http_api(tracer.client("apigatewayv2", arn), api))


def route_of_url(tracer: Tracer, url: str, arn: str) -> Route | None:
    """Return the route of a function URL, or None if no function has this URL."""
    client = tracer.client("lambda", arn)
    pages = client.get_paginator("list_functions").paginate()
    names = [one["FunctionName"] for page in pages for one in page["Functions"]]
    held = (one for name in names for one in _urls(client, name) if f"//{url}." in one["FunctionUrl"])
    config = next(held, None)
    if config is None:
        return None
    return Route(
        method="ANY", path="$default", target=config["FunctionArn"], authorization=config["AuthType"]
    )


def _urls(client: Any, function: str) -> list[Mapping[str, Any]]:  # noqa: ANN401 - a boto3 client
    return list(client.list_function_url_configs(FunctionName=function)["FunctionUrlConfigs"])


def _of_rest_api(client: Any, api: str) -> Iterable[Route]:  # noqa: ANN401 - a boto3 client
    authorizers = {one["id"]: one for one in client.get_authorizers(restApiId=api).get("items", [])}
    pages = client.get_paginator("get_resources").paginate(restApiId=api, embed=["methods"])
    for resource in (one for page in pages for one in page["items"]):
        for method, described in resource.get("resourceMethods", {}).items():
            integration = described.get("methodIntegration") or {}
            yield Route(
                method=method,
                path=resource["path"],
                target=_function_in(integration.get("uri")) or _other(integration),
                authorization=described.get("authorizationType", "NONE"),
                authorizer=_function_in(
                    authorizers.get(described.get("authorizerId"), {}).get("authorizerUri")
                ),
            )


def _of_http_api(client: Any, api: str) -> Iterable[Route]:  # noqa: ANN401 - a boto3 client
    integrations = {one["IntegrationId"]: one for one in client.get_integrations(ApiId=api)["Items"]}
    routes = client.get_routes(ApiId=api)["Items"]
    named = {route["AuthorizerId"] for route in routes if route.get("AuthorizerId")}
    authorizers = {each: client.get_authorizer(ApiId=api, AuthorizerId=each) for each in named}
    for route in routes:
        integration = integrations.get(route.get("Target", "").partition("/")[2], {})
        method, _, path = route["RouteKey"].rpartition(" ")
        yield Route(
            method=method or "ANY",
            path=path,
            target=_function_in(integration.get("IntegrationUri")) or _other(integration),
            authorization=route.get("AuthorizationType", "NONE"),
            authorizer=_function_in(authorizers.get(route.get("AuthorizerId"), {}).get("AuthorizerUri")),
        )


def _function_in(uri: object) -> str:
    found = _FUNCTION.search(str(uri or ""))
    return found.group() if found else ""


def _other(integration: Mapping[str, Any]) -> str:
    uri = integration.get("uri") or integration.get("IntegrationUri")
    return str(uri or integration.get("type") or integration.get("IntegrationType") or "nothing")
