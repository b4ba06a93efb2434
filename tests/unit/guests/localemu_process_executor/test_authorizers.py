from __future__ import annotations

from typing import Any

import pytest
from localemu_process_executor.authorizers import refusal

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
