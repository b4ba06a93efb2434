"""Runs in a function's process: sends what boto3 sends to an API's own host to the emulator.

On AWS a function calls an API, or answers a WebSocket, at `https://<id>.execute-api.<region>.amazonaws.com/<stage>`.
No emulator has a certificate for that host. Runs on the function's interpreter of any version, and imports
nothing of this package.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

MODULE = "botocore.httpsession"
_API = re.compile(r"https?://(\w+\.execute-api\.[^/]+)")


def begin() -> None:
    """Wait for botocore: a function that does not use it should not wait for its import."""
    sys.meta_path.insert(0, Finder())


class Finder:
    """Changes botocore's sender when it is first imported."""

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """Find the one module, and leave all others to the finders behind this one."""
        if name != MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = _changing(spec.loader.exec_module)  # type: ignore[assignment, method-assign, unused-ignore]
        return spec


def _changing(execute: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
    def both(module: ModuleType) -> None:
        execute(module)
        session: Any = module
        send = session.URLLib3Session.send

        def to_emulator(self: object, request: Any) -> Any:  # noqa: ANN401 # botocore's
            if api := _API.match(request.url):  # the signature is for its host
                request.headers["Host"] = api[1]
                request.url = os.environ["AWS_ENDPOINT_URL"].rstrip("/") + request.url[api.end() :]
            return send(self, request)

        session.URLLib3Session.send = to_emulator

    return both
