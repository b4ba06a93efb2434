"""What requests leave out, read as on AWS: MiniStack 1.5.33 has other defaults.

SDKs leave out a `false`, and send an empty text for a value that Terraform leaves to AWS.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from ministack.services import apigateway_v1, cognito

if TYPE_CHECKING:
    from collections.abc import Callable

    type Data = dict[str, Any]

# https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_PasswordPolicyType.html
_OF_A_PASSWORD = ("RequireUppercase", "RequireLowercase", "RequireNumbers", "RequireSymbols")


def install() -> None:
    """Read keys of APIs and policies of user pools as AWS does."""
    apigateway_v1._create_api_key = _with_a_value_of_its_own(apigateway_v1._create_api_key)  # noqa: SLF001 - pinned
    for name in ("_create_user_pool", "_update_user_pool"):
        setattr(cognito, name, _with_nothing_required(getattr(cognito, name)))


def _with_a_value_of_its_own(known: Callable[[Data], Any]) -> Callable[[Data], Any]:
    """Make up the value of a key that is created with an empty one."""

    @wraps(known)
    def create(data: Data) -> object:
        return known({name: value for name, value in data.items() if name != "value" or value})

    return create


def _with_nothing_required(known: Callable[[Data], Any]) -> Callable[[Data], Any]:
    """Require of passwords only what the request's policy names."""

    @wraps(known)
    def write(data: Data) -> object:
        policies = data.get("Policies") or {}
        if policy := policies.get("PasswordPolicy"):
            whole = dict.fromkeys(_OF_A_PASSWORD, False) | policy
            data = {**data, "Policies": {**policies, "PasswordPolicy": whole}}
        return known(data)

    return write
