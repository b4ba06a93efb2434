"""Policies of a REST API's authorizers. LocalEmu 1.3.2 looks for any `Allow` in them, and refuses with 401.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any

type Statement = Mapping[str, Any]

_REFUSED = "User is not authorized to access this resource"


def refusal(policy: Mapping[str, Any], arn: str) -> str:
    """Return the reason why an authorizer's policy keeps a request out, or an empty text.

    Args:
        policy: The policy document.
        arn: The method's ARN, as the authorizer's event has it.
    """
    effects = {str(each.get("Effect")) for each in _listed(policy.get("Statement")) if _is_for(each, arn)}
    if "Deny" in effects:
        return f"{_REFUSED} with an explicit deny"
    return "" if "Allow" in effects else _REFUSED


def _is_for(statement: Statement, arn: str) -> bool:
    patterns = (re.escape(str(each)) for each in _listed(statement.get("Resource")))
    return any(re.fullmatch(each.replace(r"\*", ".*").replace(r"\?", "."), arn) for each in patterns)


def _listed(value: object) -> Iterator[Any]:
    yield from value if isinstance(value, list) else [] if value is None else [value]


def obeying(known: Callable[..., None], refused: Callable[[str], Exception]) -> Callable[..., None]:
    """Return LocalEmu's application of an authorizer's answer, preceded by AWS's judgement of its policy."""

    @wraps(known)
    def apply(handler: Any, context: Any, result: Mapping[str, Any]) -> None:  # noqa: ANN401 - LocalEmu's
        policy = (result or {}).get("policyDocument")
        if policy and (why := refusal(policy, handler._build_method_arn(context))):  # noqa: SLF001
            raise refused(why)
        known(handler, context, result)

    return apply
