"""The authorizers of REST APIs, which LocalEmu 1.3.2 asks about a resource, such as `/orders/{id}`.

It looks for any `Allow` in their policies, whatever it is for, and refuses with 401, also if they fail.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any

type Statement = Mapping[str, Any]

_ACTION = "execute-api:Invoke"
_UNAUTHORIZED = "Unauthorized"  # the message of an authorizer's error that AWS answers with 401
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
    return _fits(statement.get("Action"), _ACTION, re.IGNORECASE) and _fits(statement.get("Resource"), arn)


def _fits(given: object, name: str, flags: int = 0) -> bool:
    patterns = (re.escape(str(each)).replace(r"\*", ".*").replace(r"\?", ".") for each in _listed(given))
    return any(re.fullmatch(each, name, flags) for each in patterns)


def _listed(value: object) -> Iterator[Any]:
    yield from value if isinstance(value, list) else [] if value is None else [value]


def method_arn(context: Any) -> str:  # noqa: ANN401 - LocalEmu's
    """Return the ARN of the method with the path of the request, by which an authorizer judges it."""
    request, api = context.invocation_request, f"{context.account_id}:{context.api_id}"
    path = str(request["path"]).lstrip("/")
    return f"arn:aws:execute-api:{context.region}:{api}/{context.stage}/{request['http_method']}/{path}"


def obeying(known: Callable[..., None], errors: Any) -> Callable[..., None]:  # noqa: ANN401 - LocalEmu's
    """Return LocalEmu's application of an authorizer's answer, preceded by AWS's judgement of it.

    Args:
        known: The application of an answer that lets the request in.
        errors: The module with the errors of API Gateway.
    """

    @wraps(known)
    def apply(handler: Any, context: Any, result: Mapping[str, Any] | None) -> None:  # noqa: ANN401 - LocalEmu's
        answer = result or {}
        if answer.get("errorMessage") == _UNAUTHORIZED:
            raise errors.UnauthorizedError(_UNAUTHORIZED)
        if not answer.get("policyDocument"):
            raise errors.AuthorizerConfigurationError
        if why := refusal(answer["policyDocument"], method_arn(context)):
            raise errors.AccessDeniedError(why)
        texts = {name: _as_text(value) for name, value in (answer.get("context") or {}).items()}
        known(handler, context, {**answer, "context": texts})

    return apply


def _as_text(value: object) -> str:
    """Return a value of an authorizer's context as integrations get it: each is a text."""
    return value if isinstance(value, str) else json.dumps(value)
