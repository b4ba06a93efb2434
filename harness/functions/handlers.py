"""Run a function's handler in this process against a running stack, so that you can set breakpoints."""

from __future__ import annotations

import importlib
import os
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from harness.base.isolation import environ_for
from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.values import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The context object that a handler receives.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    deadline: float
    aws_request_id: str
    function_version: str = "$LATEST"
    log_group_name: str = ""
    log_stream_name: str = "local"
    client_context: None = None
    identity: None = None

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function's timeout. The harness does not enforce it here."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


def run(endpoint: Endpoint, config: Mapping[str, Any], event: object, sources: Sequence[Path]) -> Any:  # noqa: ANN401 - a handler returns anything
    """Run the handler of a function in this process, with the function's environment.

    Args:
        endpoint: The endpoint of the stack. The handler runs with the harness's own permissions there.
        config: The function's configuration, as Lambda returns it.
        event: Its event.
        sources: The directories to import its modules from, ahead of all others.

    Raises:
        HarnessError: The function is not in Python, or its handler isn't found.
        Exception: Whatever the handler raises.
    """
    name, runtime = config["FunctionName"], config.get("Runtime")
    if not str(runtime).startswith("python"):
        raise HarnessError(f"{name}: only a Python handler can run here, and this one is for {runtime}")
    with _environment(endpoint, config), _importing(sources):
        return _handler(config["Handler"])(event, _context(config))


def _handler(named: str) -> Callable[[object, Context], Any]:
    module, _, name = named.rpartition(".")
    try:
        found: Callable[[object, Context], Any] = getattr(
            importlib.import_module(module.replace("/", ".")), name
        )
    except (ModuleNotFoundError, AttributeError) as problem:
        expected = f"the handler {named} among the sources of [tool.harness.package] or on sys.path"
        raise HarnessError(f"expected {expected}, and what it imports, got: {problem}") from problem
    return found


def _context(config: Mapping[str, Any]) -> Context:
    return Context(
        function_name=config["FunctionName"],
        invoked_function_arn=config["FunctionArn"],
        memory_limit_in_mb=int(config.get("MemorySize", 128)),
        deadline=time.monotonic() + float(config.get("Timeout", 3)),
        aws_request_id=str(uuid4()),
        log_group_name=f"/aws/lambda/{config['FunctionName']}",
    )


@contextmanager
def _environment(endpoint: Endpoint, config: Mapping[str, Any]) -> Iterator[None]:
    """Set the function's own variables and Lambda's while the context is open."""
    before = dict(os.environ)
    given = {
        "AWS_LAMBDA_FUNCTION_NAME": config["FunctionName"],
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "_HANDLER": config["Handler"],
    }
    os.environ.clear()
    os.environ |= environ_for(endpoint, before) | given | config.get("Environment", {}).get("Variables", {})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


@contextmanager
def _importing(sources: Sequence[Path]) -> Iterator[None]:
    before = list(sys.path)
    sys.path[:0] = [str(folder) for folder in sources]
    try:
        yield
    finally:
        sys.path[:] = before
