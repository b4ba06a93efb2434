"""Have the first requests to a service wait until LocalStack has loaded it."""

import functools
from typing import TYPE_CHECKING, Any

from localstack.runtime import hooks

if TYPE_CHECKING:
    from collections.abc import Callable


@hooks.on_infra_start()  # type: ignore[untyped-decorator, unused-ignore]
def load_services_once() -> None:
    """Let no request pass a service that is being loaded."""
    from localstack.aws.handlers.service_plugin import ServiceLoader  # noqa: PLC0415 # only once LocalStack starts

    wait_for_loading(ServiceLoader)


def wait_for_loading(loader: Any) -> None:  # noqa: ANN401 - LocalStack's class `ServiceLoader`
    """Have each request wait until its service is loaded.

    LocalStack 4.14 calls a service loaded before it routes requests to it. A second request that comes in
    between is answered "no handler for operation" (501), which fails an apply.
    """
    require: Callable[..., None] = loader.require_service

    @functools.wraps(require)
    def require_whole(self: Any, chain: object, context: Any, response: object) -> None:  # noqa: ANN401 - as above
        if context.service:
            with self.service_locks[context.service.service_name]:
                require(self, chain, context, response)

    loader.require_service = require_whole
