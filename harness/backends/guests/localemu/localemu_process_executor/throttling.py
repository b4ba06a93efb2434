"""Limits of REST APIs, read as on AWS: LocalEmu 1.3.2 refuses every request where one is -1."""

from functools import wraps
from typing import TYPE_CHECKING, Any

from localemu.runtime import hooks

if TYPE_CHECKING:
    from collections.abc import Callable


@hooks.on_infra_start()  # type: ignore[untyped-decorator, unused-ignore]
def throttle_within_limits() -> None:
    """Take a limit of -1, which Terraform sends for one that was not set, for the account's own limit."""
    from localemu.services.apigateway.next_gen.execute_api.handlers import throttle  # noqa: PLC0415 # once it starts

    bucket = throttle.TokenBucket
    usual = {"rate": throttle.DEFAULT_RATE_LIMIT, "burst": throttle.DEFAULT_BURST_LIMIT}
    bucket.__init__ = _with_limits(bucket.__init__, usual)


def _with_limits(known: "Callable[..., None]", usual: dict[str, int]) -> "Callable[..., None]":
    @wraps(known)
    def init(self: Any, **limits: float) -> None:  # noqa: ANN401 - LocalEmu's class `TokenBucket`
        known(self, **{name: limit if limit >= 0 else usual[name] for name, limit in limits.items()})

    return init
