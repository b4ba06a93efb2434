"""AWS's own keys, such as `alias/aws/s3`.

LocalStack 4.14 makes some of them when they are described, and lists none.
"""

import functools
from typing import TYPE_CHECKING, Any

from localstack.runtime import hooks

from lambda_process_executor.keys_of_aws import ALIASES, missing

if TYPE_CHECKING:
    from collections.abc import Callable


@hooks.on_infra_start(priority=50)  # type: ignore[untyped-decorator, unused-ignore] # services load at 0
def show_keys_of_aws() -> None:
    """List the aliases of AWS's keys, and make a key when it is first asked for."""
    from localstack.services.kms import models, provider  # noqa: PLC0415 # only once LocalStack starts

    models.RESERVED_ALIASES.extend(set(ALIASES) - set(models.RESERVED_ALIASES))
    list_those_of_aws(provider.KmsProvider)
    name_their_manager(provider.KmsProvider, models.kms_stores)


def list_those_of_aws(kms: Any) -> None:  # noqa: ANN401 - LocalStack's class `KmsProvider`
    """List the aliases of AWS's keys after the account's own."""
    known: Callable[..., Any] = kms.list_aliases

    @functools.wraps(known)
    def list_aliases(self: Any, context: Any, key_id: str | None = None, **rest: Any) -> Any:  # noqa: ANN401
        answer = known(self, context, key_id=key_id, **rest)
        if not key_id and not answer.get("Truncated"):
            answer["Aliases"] = [
                *answer["Aliases"],
                *missing(answer["Aliases"], region=context.region, account=context.account_id),
            ]
        return answer

    kms.list_aliases = list_aliases


def name_their_manager(kms: Any, stores: Any) -> None:  # noqa: ANN401 - as above, and its `kms_stores`
    """Have a key that is made for one of the aliases say that AWS manages it."""
    known: Callable[..., None] = kms._create_alias_if_reserved_and_not_exists  # noqa: SLF001

    @functools.wraps(known)
    def create(account_id: str, region_name: str, alias_name: str) -> None:
        known(account_id, region_name, alias_name)
        store = stores[account_id][region_name]
        if alias_name in ALIASES and (alias := store.aliases.get(alias_name)):
            store.keys[alias.metadata["TargetKeyId"]].metadata["KeyManager"] = "AWS"

    kms._create_alias_if_reserved_and_not_exists = staticmethod(create)  # noqa: SLF001
