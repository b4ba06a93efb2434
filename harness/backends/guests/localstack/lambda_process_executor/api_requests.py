"""Requests to APIs, as their integrations with AWS's services see them, on MiniStack."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from lambda_process_executor.velocity import Text, Values, at_path, render, value_at

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to an API, with the values that an integration may refer to.

    Attributes:
        method: The HTTP method.
        body: The body's text.
        parameters: The parameters, by location (`path`, `querystring`, `header`) and name.
        context: The variable `$context`.
        stage_variables: The variables of the stage.
    """

    method: str
    body: str
    parameters: Mapping[str, Mapping[str, str]]
    context: Mapping[str, Any]
    stage_variables: Mapping[str, str]

    def value(self, expression: str) -> str:
        """Return the value of an expression such as `path.id`, or an empty text."""
        location, _, name = expression.partition(".")
        match location:
            case "body":
                return as_text(at_path(self.body, f"$.{name}")) if name else self.body
            case "context":
                return as_text(value_at(self.context, f"$.{name}"))
            case "stageVariables":
                return self.stage_variables.get(name, "")
        found = self.parameters.get(location, {})
        return found.get(name) or {key.lower(): value for key, value in found.items()}.get(name.lower(), "")

    def render(self, template: str, body: str) -> str:
        """Return the text that a mapping template makes of a body."""
        return render(
            template,
            body,
            parameters=self.parameters,
            context=self.context,
            stage_variables=self.stage_variables,
        )


def request_of(
    method: str,
    headers: Mapping[str, str],
    body: bytes,
    query: Mapping[str, Any],
    path: Mapping[str, str] | None,
    *,
    context: Mapping[str, Any],
    stage_variables: Mapping[str, str] | None,
) -> Request:
    """Return the request that MiniStack has taken apart."""
    last = {name: value[-1] if isinstance(value, list) else value for name, value in (query or {}).items()}
    parameters = {"path": path or {}, "querystring": last, "header": headers}
    return Request(
        method=method,
        body=(body or b"").decode("utf-8", "replace"),
        parameters=parameters,
        context=Values(context),
        stage_variables=stage_variables or {},
    )


def context_of(api: str, stage: str, path: str, method: str, account: str) -> dict[str, Any]:
    """Return the variable `$context` of a request."""
    now = time.time()
    return {
        "accountId": account,
        "apiId": api,
        "httpMethod": Text(method),
        "identity": Values(sourceIp="127.0.0.1"),
        "path": f"/{stage}{path}",
        "requestId": str(uuid4()),
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "requestTimeEpoch": int(now * 1000),
        "stage": stage,
    }


def as_text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return a text as it is, and any other JSON value as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
