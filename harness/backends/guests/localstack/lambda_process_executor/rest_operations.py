"""The operation that a REST request means, and the parameters in its path, from botocore's models."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

_LOADER = Loader()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How an operation is requested.

    Attributes:
        operation: its name.
        method: the HTTP method.
        segments: the parts of the path. A parameter is in braces.
        query: required parameters of the query. None stands for any value.
        headers: required headers, in lower case.
    """

    operation: str
    method: str
    segments: tuple[str, ...]
    query: Mapping[str, str | None]
    headers: frozenset[str]

    @property
    def weight(self) -> tuple[int, int]:
        """How much it asks for: the route that asks for most is meant."""
        literal = sum(not segment.startswith("{") for segment in self.segments)
        return literal, len(self.query) + len(self.headers)

    def parameters(self, path: str) -> dict[str, str] | None:
        """Return the parameters in an encoded path, or None if it does not fit the route."""
        parts = path.strip("/").split("/") if path.strip("/") else []
        if self.segments and self.segments[-1].endswith("+}") and len(parts) >= len(self.segments):
            last = len(self.segments) - 1
            rest = path.lstrip("/").split("/", last)[last]  # a key may end with a slash
            parts = [*parts[:last], rest]
        if len(parts) != len(self.segments):
            return None
        pairs = list(zip(self.segments, parts, strict=True))
        if any(segment != part for segment, part in pairs if not segment.startswith("{")):
            return None
        return {segment.strip("{+}"): unquote(part) for segment, part in pairs if segment.startswith("{")}

    def fits(self, query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        """Whether a request has the query and the headers that this operation asks for."""
        fits_query = all(name in query and value in {None, query[name]} for name, value in self.query.items())
        return fits_query and self.headers <= headers.keys()


def operation_of(
    service: str, method: str, target: str, headers: Mapping[str, str]
) -> tuple[str, dict[str, str]] | None:
    """Return the operation of a request, and the parameters in its path, or None.

    Args:
        service: boto3's name of the service.
        method: the HTTP method.
        target: the path and the query, as they were sent.
        headers: the headers, with names in lower case.
    """
    path, _, text = target.partition("?")
    query = dict(parse_qsl(text, keep_blank_values=True))
    for route in _routes(service, method):
        if route.fits(query, headers):
            parameters = route.parameters(path)
            if parameters is not None:
                return route.operation, parameters
    return None


@cache
def _routes(service: str, method: str) -> tuple[Route, ...]:
    """Return the routes of a service for an HTTP method, the most specific first."""
    mine = (route for route in _all_routes(service) if route.method == method)
    return tuple(sorted(mine, key=lambda route: route.weight, reverse=True))


@cache
def _all_routes(service: str) -> tuple[Route, ...]:
    try:
        model: dict[str, Any] = _LOADER.load_service_model(service, "service-2")
    except UnknownServiceError:
        return ()
    return tuple(_read(model))


def _read(model: Mapping[str, Any]) -> Iterator[Route]:
    for name, operation in model["operations"].items():
        if operation.get("deprecated"):  # such as GetBucketLifecycle, which has the route of another one
            continue
        path, _, text = operation["http"]["requestUri"].partition("?")
        members = _required(model, operation)
        anything = {place: None for kind, place in members if kind == "querystring"}
        literal: dict[str, str | None] = {
            key: value or None for key, value in parse_qsl(text, keep_blank_values=True)
        }
        yield Route(
            operation=name,
            method=operation["http"]["method"],
            segments=tuple(filter(None, path.split("/"))),
            query=anything | literal,
            headers=frozenset(place.lower() for kind, place in members if kind == "header"),
        )


def _required(model: Mapping[str, Any], operation: Mapping[str, Any]) -> list[tuple[str, str]]:
    shape = model["shapes"].get(operation.get("input", {}).get("shape"), {})
    members = [shape["members"][name] for name in shape.get("required", ())]
    return [(each["location"], each["locationName"]) for each in members if "location" in each]
