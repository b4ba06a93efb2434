from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from localemu_process_executor.conditions import may_invoke, with_negation, without_delegation

if TYPE_CHECKING:
    from collections.abc import Mapping

EVENTS = "events.amazonaws.com"


def equal(statement: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Judge as LocalEmu does for these tests: the key has to exist with one of the values."""
    blocks = statement["Condition"]
    assert set(blocks) <= {"StringEquals", "IpAddress"}
    return all(request.get(key) in values for block in blocks.values() for key, values in block.items())


@pytest.mark.parametrize("operator", ["StringNotEquals", "StringNotEqualsIfExists", "NotIpAddress"])
@pytest.mark.parametrize(
    ("request_has", "holds"), [({"key": "a"}, False), ({"key": "b"}, False), ({"key": "c"}, True), ({}, True)]
)
def test_a_negated_condition_holds_if_no_value_fits_or_the_key_is_absent(
    operator: str,
    request_has: dict[str, str],
    holds: bool,  # noqa: FBT001
) -> None:
    statement = {"Condition": {operator: {"key": ["a", "b"]}}}

    assert with_negation(equal)(statement, request_has) is holds


def test_the_other_conditions_of_a_statement_have_to_hold_too() -> None:
    statement = {"Condition": {"StringEquals": {"one": ["1"]}, "StringNotEquals": {"two": ["2"]}}}

    assert with_negation(equal)(statement, {"one": "1", "two": "1"})
    assert not with_negation(equal)(statement, {"one": "2", "two": "1"})
    assert not with_negation(equal)(statement, {"one": "1", "two": "2"})
    assert with_negation(equal)({}, {})


@pytest.mark.parametrize(
    ("effect", "named", "left"),
    [
        ("Allow", "arn:aws:iam::000000000000:root", []),
        ("Allow", ["000000000000", "arn:aws:iam::000000000000:role/a"], ["arn:aws:iam::000000000000:role/a"]),
        ("Deny", "arn:aws:iam::000000000000:root", "arn:aws:iam::000000000000:root"),
    ],
)
def test_what_is_allowed_to_an_account_is_not_allowed_to_all_in_it(
    effect: str, named: object, left: object
) -> None:
    is_about = without_delegation(lambda statement, _: statement["Principal"] == {"AWS": left})

    assert is_about({"Effect": effect, "Principal": {"AWS": named}}, None)


def test_a_service_may_invoke_a_function_for_the_source_that_its_policy_names() -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": EVENTS},
        "Condition": {"StringEquals": {"source": ["rule"]}},
    }
    policy = {"Statement": [statement]}

    assert may_invoke(policy, EVENTS, {"source": "rule"}, equal)
    assert not may_invoke(policy, EVENTS, {"source": "other rule"}, equal)
    assert not may_invoke(policy, "sns.amazonaws.com", {"source": "rule"}, equal)
    assert not may_invoke({"Statement": [{**statement, "Effect": "Deny"}]}, EVENTS, {"source": "rule"}, equal)
    assert not may_invoke(None, EVENTS, {"source": "rule"}, equal)
