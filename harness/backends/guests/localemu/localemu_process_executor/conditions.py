"""Corrections of LocalEmu 1.3.2's policies: negated conditions, and principals that stand for an account."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

type Conditions = Callable[[Mapping[str, Any], Mapping[str, Any]], bool]
type Principals = Callable[[Mapping[str, Any], Any], bool]

_NEGATED = ("StringNot", "NumericNot", "DateNot", "ArnNot", "NotIpAddress")


def with_negation(known: Conditions) -> Conditions:
    """Make a negated operator true if none of its values fits, and if the request lacks the key.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html

    Args:
        known: returns whether a statement's conditions are true. It reads `StringNotEquals` with two values
            as "differs from one of them", and an absent key as false.
    """

    @wraps(known)
    def hold(statement: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
        blocks: Mapping[str, Mapping[str, Any]] = statement.get("Condition") or {}
        plain = {name: block for name, block in blocks.items() if not name.startswith(_NEGATED)}
        refuted = (
            known({"Condition": {_positive(name): {key: values}}}, request)
            for name, block in blocks.items()
            if name not in plain
            for key, values in block.items()
        )
        return known({"Condition": plain}, request) and not any(refuted)

    return hold


def _positive(operator: str) -> str:
    return operator.replace("Not", "", 1).removesuffix("IfExists")


def without_delegation(known: Principals) -> Principals:
    """Have a statement that allows something to an account leave it to the account's own policies.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-accounts

    Args:
        known: returns whether a statement of a resource's policy applies to a caller.
    """

    @wraps(known)
    def is_about(statement: Mapping[str, Any], caller: Any) -> bool:  # noqa: ANN401 - LocalEmu's
        principal = statement.get("Principal")
        if statement.get("Effect") == "Allow" and isinstance(principal, dict) and "AWS" in principal:
            named = principal["AWS"]
            named = [named] if isinstance(named, str) else named
            left = [each for each in named if not each.isdecimal() and not each.endswith(":root")]
            statement = {**statement, "Principal": {**principal, "AWS": left}}
        return known(statement, caller)

    return is_about


def may_invoke(
    policy: Mapping[str, Any] | None, service: str, source: Mapping[str, str], hold: Conditions
) -> bool:
    """Return whether a function's policy lets a service invoke it.

    Args:
        policy: the policy, or None if the function has none.
        service: the service's principal, such as `events.amazonaws.com`.
        source: condition keys: whom the service calls for.
        hold: returns whether a statement's conditions are true.
    """
    return any(
        statement["Effect"] == "Allow"
        and statement["Principal"] in ("*", {"Service": service})
        and hold(statement, source)
        for statement in (policy or {}).get("Statement", ())
    )
