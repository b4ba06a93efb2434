from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.errors import PolicyError
from harness.stack.assertions.policies import Request, allowed_by, denied_by

FUNCTION = "arn:aws:lambda:eu-north-1:111122223333:function:writer:live"
RULE = "arn:aws:events:eu-north-1:111122223333:rule/nightly"
REQUEST = Request(
    action="lambda:InvokeFunction",
    resource=FUNCTION,
    service="events.amazonaws.com",
    context={"aws:SourceArn": RULE, "aws:SourceAccount": "111122223333"},
)


def policy(effect: str = "Allow", **elements: object) -> dict[str, Any]:
    """Return a policy with one statement, which applies to `REQUEST` except for the elements given."""
    usual = {
        "Sid": "Mine",
        "Effect": effect,
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": FUNCTION,
    }
    return {"Version": "2012-10-17", "Statement": [{**usual, **elements}]}


def test_what_a_statement_allows_is_allowed_by_it() -> None:
    assert allowed_by(policy(), REQUEST) == "Mine"
    assert allowed_by({"Statement": policy()["Statement"][0]}, REQUEST) == "Mine"
    assert not allowed_by({}, REQUEST)
    assert not denied_by(policy(), REQUEST)


def test_a_denial_wins() -> None:
    both = {"Statement": [*policy()["Statement"], *policy("Deny", Sid="Never")["Statement"]]}

    assert denied_by(both, REQUEST) == "Never"
    assert not allowed_by(both, REQUEST)


def test_a_statement_without_an_id_is_named_by_its_effect() -> None:
    assert denied_by(policy("Deny", Sid=""), REQUEST) == "Deny"


@pytest.mark.parametrize(
    "elements",
    [
        {"Action": "lambda:*"},
        {"Action": ["s3:GetObject", "LAMBDA:invokefunction"]},
        {"Resource": "arn:aws:lambda:*:function:writer:l?ve"},
        {"Principal": "*"},
        {"Principal": {"Service": ["s3.amazonaws.com", "events.amazonaws.com"]}},
        {"Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:events:*:111122223333:rule/night*"}}},
        {"Condition": {"StringEquals": {"aws:SourceAccount": ["222", "111122223333"]}}},
        {"Condition": {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}},
        {"Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}},
        {"Condition": {"Null": {"aws:PrincipalOrgID": "true"}}},
    ],
)
def test_a_statement_that_covers_the_request_allows_it(elements: dict[str, Any]) -> None:
    assert allowed_by(policy(**elements), REQUEST)


@pytest.mark.parametrize(
    "elements",
    [
        {"Action": "lambda:GetFunction"},
        {"NotAction": "lambda:Invoke*"},
        {"Resource": FUNCTION.removesuffix(":live")},
        {"Principal": {"Service": "s3.amazonaws.com"}},
        {"Principal": {"AWS": "*"}},
        {"Condition": {"ArnLike": {"aws:SourceArn": f"{RULE}ly"}}},
        {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:events:*:rule/nightly"}}},
        {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:events:eu-north-1:*"}}},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "222"}}},
        {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
        {"Condition": {"StringNotEquals": {"aws:SourceAccount": ["222", "111122223333"]}}},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "111122223333", "aws:SourceArn": "x"}}},
        {"Condition": {"Null": {"aws:SourceArn": "true"}}},
    ],
)
def test_a_statement_that_does_not_cover_the_request_does_not_allow_it(elements: dict[str, Any]) -> None:
    assert not allowed_by(policy(**elements), REQUEST)


@pytest.mark.parametrize(("version", "denied"), [("1.1", "Mine"), ("1.2", "")])
def test_numbers_are_compared_as_numbers(version: str, denied: str) -> None:
    old = policy("Deny", Condition={"NumericLessThan": {"s3:TlsVersion": "1.2"}})

    assert denied_by(old, replace(REQUEST, context={"s3:TlsVersion": version})) == denied


def test_a_principal_of_the_account_is_asked_for_by_its_arn() -> None:
    me = replace(REQUEST, service="", principal="arn:aws:iam::111122223333:user/me")

    assert allowed_by(policy(Principal={"AWS": me.principal}), me)
    assert allowed_by(policy(Principal={"AWS": "*"}), me)
    assert not allowed_by(policy(), me)


@pytest.mark.parametrize(
    ("elements", "part"),
    [
        ({"NotPrincipal": {"AWS": "*"}}, "NotPrincipal"),
        ({"Resource": "arn:aws:s3:::${aws:username}"}, "has a variable"),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, "IpAddress"),
        ({"Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}}, "ForAllValues:StringEquals"),
    ],
)
def test_what_cannot_be_judged_is_an_error_and_no_guess(elements: dict[str, Any], part: str) -> None:
    with pytest.raises(PolicyError, match=part.replace("$", r"\$")):
        allowed_by(policy(**elements), REQUEST)
