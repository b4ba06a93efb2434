"""The logging configurations of WAFv2, which MiniStack 1.5.33 lacks.

They are stored, and log nothing.
"""

from __future__ import annotations

import json
from functools import wraps
from typing import TYPE_CHECKING, Any

from ministack.core.responses import AccountRegionScopedDict, error_response_json, json_response
from ministack.services import waf

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    type Answer = tuple[int, dict[str, str], bytes]
    type Handler = Callable[..., Awaitable[Answer]]

# What AWS adds: https://docs.aws.amazon.com/waf/latest/APIReference/API_LoggingConfiguration.html
_DEFAULTS = {"LogScope": "CUSTOMER", "LogType": "WAF_LOGS", "ManagedByFirewallManager": False}


def install() -> None:
    """Store the configurations among what MiniStack's module of WAFv2 holds, so that they are saved too."""
    waf.logging_configurations = AccountRegionScopedDict()
    waf.handle_request = _with_logging(waf.handle_request)


def _with_logging(known: Handler) -> Handler:
    @wraps(known)
    async def handle(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: object
    ) -> Answer:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if action.endswith(("LoggingConfiguration", "LoggingConfigurations")):
            return _answer(action, json.loads(body))
        return await known(method, path, headers, body, query)

    return handle


def _answer(action: str, asked: Mapping[str, Any]) -> Answer:
    held = waf.logging_configurations
    if action == "ListLoggingConfigurations":
        return json_response({"LoggingConfigurations": list(held.values())})
    if action == "PutLoggingConfiguration":
        configuration = {**_DEFAULTS, **asked["LoggingConfiguration"]}
        held[configuration["ResourceArn"]] = configuration
        return json_response({"LoggingConfiguration": configuration})
    if asked["ResourceArn"] not in held:
        return error_response_json("WAFNonexistentItemException", "the resource has no logging", 400)
    if action == "DeleteLoggingConfiguration":
        del held[asked["ResourceArn"]]
        return json_response({})
    return json_response({"LoggingConfiguration": held[asked["ResourceArn"]]})
