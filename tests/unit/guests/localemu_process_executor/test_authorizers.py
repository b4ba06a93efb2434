from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from localemu_process_executor.authorizers import method_arn, obeying, refusal

ARN = "arn:aws:execute-api:eu-west-1:000000000000:abc/prod/GET/orders/7"


def statement(effect: str, *resources: str) -> dict[str, Any]:
    return {"Action": "execute-api:Invoke", "Effect": effect, "Resource": list(resources) or ARN}


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        ([statement("Allow")], ""),
        ([statement("Allow", "*")], ""),
        ([statement("Allow", "arn:aws:execute-api:*:*:abc/prod/GET/orders/?")], ""),
        (statement("Allow"), ""),
        ([statement("Allow") | {"Action": "execute-api:*"}], ""),
        ([statement("Allow") | {"Action": ["execute-api:ManageConnections"]}], "to access this resource"),
        ([statement("Deny")], "with an explicit deny"),
        ([statement("Allow", "*"), statement("Deny", "*/GET/*")], "with an explicit deny"),
        ([statement("Allow", "*/POST/*")], "to access this resource"),
        ([], "to access this resource"),
    ],
)
def test_a_policy_allows_what_it_allows_on_aws(statements: object, reason: str) -> None:
    why = refusal({"Statement": statements}, ARN)

    assert why.endswith(reason)
    assert bool(why) is bool(reason)


class UnauthorizedError(Exception):
    """API Gateway's error, answered with 401."""


class AccessDeniedError(Exception):
    """Another, answered with 403."""


class AuthorizerConfigurationError(Exception):
    """Another, answered with 500."""


ERRORS = SimpleNamespace(
    UnauthorizedError=UnauthorizedError,
    AccessDeniedError=AccessDeniedError,
    AuthorizerConfigurationError=AuthorizerConfigurationError,
)
CONTEXT = SimpleNamespace(
    region="eu-west-1",
    account_id="000000000000",
    api_id="abc",
    stage="prod",
    resource={"path": "/orders/{id}"},
    invocation_request={"http_method": "GET", "path": "/orders/7"},
)


def test_an_authorizer_is_asked_about_the_path_of_the_request() -> None:
    assert method_arn(CONTEXT) == ARN


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"errorMessage": "Unauthorized"}, UnauthorizedError),
        ({"errorMessage": "boom"}, AuthorizerConfigurationError),
        ({"nothing": 1}, AuthorizerConfigurationError),
        (None, AuthorizerConfigurationError),
        ({"policyDocument": {"Statement": [statement("Deny")]}}, AccessDeniedError),
    ],
)
def test_an_answer_that_lets_nobody_in_is_aws_s_error(
    answer: dict[str, Any] | None, error: type[Exception]
) -> None:
    with pytest.raises(error):
        obeying(lambda *_: None, ERRORS)(None, CONTEXT, answer)


def test_values_of_an_authorizer_s_context_reach_the_function_as_texts() -> None:
    applied: list[dict[str, Any]] = []
    answer = {
        "policyDocument": {"Statement": [statement("Allow")]},
        "context": {"name": "Ada", "age": 7, "old": True},
    }

    obeying(lambda _handler, _context, result: applied.append(result), ERRORS)(None, CONTEXT, answer)

    assert applied[0]["context"] == {"name": "Ada", "age": "7", "old": "true"}
