"""The logging configurations of WAFv2, which MiniStack 1.5.33 lacks.

They are stored, and log nothing.
"""

from __future__ import annotations

import json
from functools import wraps
from typing import TYPE_CHECKING, Any

from ministack.core.responses import AccountRegionScopedDict
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
        return _found({"LoggingConfigurations": list(held.values())})
    if action == "PutLoggingConfiguration":
        configuration = {**_DEFAULTS, **asked["LoggingConfiguration"]}
        held[configuration["ResourceArn"]] = configuration
        return _found({"LoggingConfiguration": configuration})
    configuration = held.get(asked["ResourceArn"])
    if configuration is None:
        return _found({"__type": "WAFNonexistentItemException"}, status=400)
    if action == "DeleteLoggingConfiguration":
        del held[asked["ResourceArn"]]
        return _found({})
    return _found({"LoggingConfiguration": configuration})


def _found(body: Mapping[str, object], *, status: int = 200) -> Answer:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body).encode()
