"""What LocalStack 4.14 does not do by itself, and functions or their users need."""

import base64
import functools
import json
import logging
from collections.abc import Callable
from contextvars import ContextVar
from threading import Timer
from typing import Any, override

from localstack.services.lambda_.invocation import execution_environment
from localstack.services.lambda_.invocation.execution_environment import ExecutionEnvironment
from localstack.services.lambda_.invocation.lambda_service import LambdaService

LOG = logging.getLogger(__name__)

client_context: ContextVar[str | None] = ContextVar("client_context", default=None)


@functools.cache
def apply() -> None:
    """Patch LocalStack, once."""
    pass_client_context()
    let_failed_functions_go()
    let_timers_end_with_the_process()


def pass_client_context() -> None:
    """Have execution environments pass on the client context, which the payload they build lacks."""
    invoke: Callable[..., Any] = ExecutionEnvironment.invoke

    @functools.wraps(invoke)
    def invoke_with_context(self: ExecutionEnvironment, invocation: Any) -> Any:  # noqa: ANN401
        client_context.set(decode_client_context(invocation.client_context))
        return invoke(self, invocation)

    ExecutionEnvironment.invoke = invoke_with_context


def let_failed_functions_go() -> None:
    """Have `DeleteFunction` work on a function whose creation failed: it has nothing to stop."""
    stop_version: Callable[..., Any] = LambdaService.stop_version

    @functools.wraps(stop_version)
    def stop_version_if_any(self: LambdaService, qualified_arn: str) -> None:
        try:
            stop_version(self, qualified_arn)
        except ValueError as error:
            LOG.debug("%s", error)

    LambdaService.stop_version = stop_version_if_any


def let_timers_end_with_the_process() -> None:
    """Have LocalStack end though keep-alive timers run, of which it loses some under concurrent calls."""
    execution_environment.Timer = DaemonTimer


class DaemonTimer(Timer):
    """A timer that does not keep the process alive."""

    @override
    def __init__(self, interval: float, function: Callable[..., object]) -> None:
        super().__init__(interval, function)
        self.daemon = True


def decode_client_context(encoded: str | None) -> str | None:
    """Return the client context as JSON on one line, as AWS passes it, from its base64 in the request.

    Function URLs pass JSON as it is.
    """
    if not encoded:
        return None
    try:
        return json.dumps(json.loads(encoded if encoded.startswith("{") else base64.b64decode(encoded)))
    except ValueError:
        LOG.warning("Client context %r is not JSON in base64; the function gets none", encoded)
        return None
