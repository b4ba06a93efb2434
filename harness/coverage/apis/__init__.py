"""How far the tests have exercised the parts of APIs, judged by the requests to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.coverage.apis import http, rest
from harness.coverage.apis.requests import requests_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.coverage.apis.requests import Request
    from harness.coverage.levels import Level
    from harness.values import Resource

__all__ = ["KINDS", "judgement", "requests_in"]

KINDS = rest.KINDS | http.KINDS


def judgement(
    resource: Resource, resources: Sequence[Resource], requests: Iterable[Request]
) -> tuple[Level, str]:
    """Return the level of a part of an API, of one of the `KINDS`, and why it has that."""
    of_its_kind = rest.judgement if resource.type in rest.KINDS else http.judgement
    return of_its_kind(resource, resources, requests)
