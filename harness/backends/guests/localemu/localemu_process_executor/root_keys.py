"""Make an access key that is an account number belong to that account's root, as on LocalStack."""

import os
from typing import override

from localemu.runtime import hooks

_DIGITS = 12


class RootKeys(frozenset[str]):
    """LocalEmu's keys of roots, and the numbers of all accounts."""

    @override
    def __contains__(self, key: object) -> bool:
        is_account = isinstance(key, str) and len(key) == _DIGITS and key.isdecimal()
        return is_account or super().__contains__(key)


@hooks.on_infra_start()  # type: ignore[untyped-decorator, unused-ignore]
def take_account_numbers_for_roots() -> None:
    """Have each module of LocalEmu that asks for the keys of roots take account numbers for some."""
    from localemu.services.iam_enforcement import identity  # noqa: PLC0415 # only once LocalEmu starts
    from localemu.services.sts import provider  # noqa: PLC0415 # as above

    named = os.environ.get("ROOT_ACCESS_KEYS", "").split(",")
    keys = RootKeys({"test", *filter(None, named)})
    identity._get_root_access_keys = provider._get_root_access_keys = lambda: keys  # noqa: SLF001
