"""AWS's own keys, such as `alias/aws/s3`, which MiniStack 1.5.33 lacks."""

from __future__ import annotations

import json
from functools import wraps
from typing import TYPE_CHECKING, Any

from ministack.core import responses
from ministack.services import kms

from lambda_process_executor.keys_of_aws import ALIASES, PREFIX, missing

if TYPE_CHECKING:
    from collections.abc import Callable

    type Data = dict[str, Any]
    type Answer = tuple[int, dict[str, str], bytes]


def install() -> None:
    """List the aliases of AWS's keys, and make a key when it is first asked for."""
    kms._list_aliases = _with_those_of_aws(kms._list_aliases)  # noqa: SLF001 - the version is pinned
    kms._resolve_key = _made_when_asked_for(kms._resolve_key)  # noqa: SLF001
    kms._key_metadata = _with_its_manager(kms._key_metadata)  # noqa: SLF001


def _with_those_of_aws(known: Callable[[Data], Answer]) -> Callable[[Data], Answer]:
    @wraps(known)
    def list_aliases(data: Data) -> Answer:
        status, headers, body = known(data)
        answer = json.loads(body)
        if not data.get("KeyId"):
            region, account = responses.get_region(), responses.get_account_id()
            answer["Aliases"] += missing(answer["Aliases"], region=region, account=account)
        return status, headers, json.dumps(answer).encode()

    return list_aliases


def _made_when_asked_for(known: Callable[[str], object]) -> Callable[[str], object]:
    @wraps(known)
    def resolve(key: str) -> object:
        name = PREFIX + (key or "").rpartition(PREFIX)[2]
        if name in ALIASES and key.endswith(name) and known(key) is None:
            _, _, body = kms._create_key({"Description": f"Default key of AWS for {name}"})  # noqa: SLF001
            made = json.loads(body)["KeyMetadata"]["KeyId"]
            kms._create_alias({"AliasName": name, "TargetKeyId": made})  # noqa: SLF001
        return known(key)

    return resolve


def _with_its_manager(known: Callable[[Data], Data]) -> Callable[[Data], Data]:
    @wraps(known)
    def metadata(record: Data) -> Data:
        named = (alias for alias, key in kms._aliases.items() if key == record["KeyId"])  # noqa: SLF001
        is_of_aws = any(f":{PREFIX}" in alias for alias in named)
        return known(record) | ({"KeyManager": "AWS"} if is_of_aws else {})

    return metadata
