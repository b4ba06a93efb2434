"""A function's handler, run in this process against a stack that is up: for breakpoints and a debugger."""

from __future__ import annotations

import importlib
import os
import pdb  # noqa: T100 - what `--pdb` asks for
import sys
import time
import traceback
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import typer

from harness.base.isolation import pointed_at
from harness.errors import HarnessError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.deployment import Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a handler is told of its invocation.

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
        """Return the milliseconds until the function's timeout; nothing ends it here."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


def invoke(
    deployment: Deployment, function: str, event: object, sources: Sequence[Path], *, debug: bool = False
) -> Any:  # noqa: ANN401 - a handler returns anything
    """Run the handler of a function with its environment in this process, and return what it returns.

    Args:
        deployment: The stack, on which it has the harness's own permissions.
        function: The function's name.
        event: Its event.
        sources: The directories that its modules are imported from, before all others.
        debug: Whether an error of it is looked at in the debugger.

    Raises:
        SettingsError: It is no function in Python, or its handler isn't found.
        Exception: Whatever the handler raises.
    """
    config = deployment.client("lambda").get_function_configuration(FunctionName=function)
    if not str(config.get("Runtime", "")).startswith("python"):
        raise SettingsError("--local", expected="a function in Python", got=config.get("Runtime"))
    logs = (
        nullcontext() if sys.stdout.isatty() else redirect_stdout(sys.stderr)
    )  # what is piped is the answer
    with _environment(deployment, config), _importing(sources), logs:
        try:
            return _handler(config["Handler"])(event, _context(config))
        except SettingsError:
            raise
        except Exception:
            if debug:
                pdb.post_mortem(sys.exc_info()[2])
            raise


@contextmanager
def own_traceback() -> Iterator[None]:
    """Exit with code 1 after what a handler raises, and show its own part of the traceback."""
    try:
        yield
    except HarnessError:
        raise
    except Exception as problem:  # noqa: BLE001 - a handler raises anything
        frames = last = problem.__traceback__
        while last:
            frames = last.tb_next if last.tb_frame.f_code.co_filename == __file__ else frames
            last = last.tb_next
        traceback.print_exception(problem.with_traceback(frames))
        raise typer.Exit(1) from None


def _handler(named: str) -> Callable[[object, Context], Any]:
    module, _, name = named.rpartition(".")
    try:
        found: Callable[[object, Context], Any] = getattr(
            importlib.import_module(module.replace("/", ".")), name
        )
    except (ModuleNotFoundError, AttributeError) as problem:
        expected = f"the handler {named} among the sources of [tool.harness.package], and what it imports"
        raise SettingsError("--local", expected=expected, got=str(problem)) from problem
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
def _environment(deployment: Deployment, config: Mapping[str, Any]) -> Iterator[None]:
    """Have the variables of a function while the context is open: those that it is given, and Lambda's."""
    before, endpoint = dict(os.environ), deployment.endpoint
    given = {
        "AWS_LAMBDA_FUNCTION_NAME": config["FunctionName"],
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "_HANDLER": config["Handler"],
    }
    os.environ.clear()
    os.environ |= pointed_at(endpoint, before) | given | config.get("Environment", {}).get("Variables", {})
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
