from __future__ import annotations

from typing import Any

import pytest

from tests.policies import Request, is_allowed, is_denied
from tests.s3 import may_list

LIST: dict[str, Any] = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::objects"}


def listing(prefix: str | None) -> Request:
    context = {} if prefix is None else {"s3:prefix": prefix}
    return Request(action="s3:ListBucket", resource="arn:aws:s3:::objects", context=context)


@pytest.mark.parametrize(
    ("operator", "prefix", "allowed"),
    [
        ("StringLike", "hello_world_1", True),
        ("StringLike", "latest.json", False),
        ("StringLike", None, False),
        ("StringLikeIfExists", None, True),
        ("StringLikeIfExists", "latest.json", False),
        ("StringNotLike", "latest.json", True),
        ("StringNotLike", "hello_world_1", False),
        ("StringNotLike", None, True),
        ("StringEquals", "hello_world_*", True),
        ("StringEquals", "hello_world_1", False),
    ],
)
def test_a_condition_holds_as_aws_documents_it(operator: str, prefix: str | None, allowed: bool) -> None:  # noqa: FBT001
    statement = {**LIST, "Condition": {operator: {"s3:prefix": ["hello_world_*"]}}}

    assert is_allowed([statement], listing(prefix)) == allowed


@pytest.mark.parametrize(("prefix", "denied"), [(None, True), ("latest.json", False)])
def test_null_asks_whether_a_key_is_absent(prefix: str | None, denied: bool) -> None:  # noqa: FBT001
    statement = {**LIST, "Effect": "Deny", "Condition": {"Null": {"s3:prefix": "true"}}}

    assert is_denied([statement], listing(prefix)) == denied


def test_a_denial_outweighs_what_is_allowed() -> None:
    assert is_allowed([LIST], listing(None))
    assert not is_allowed([LIST, {**LIST, "Effect": "Deny"}], listing(None))
    assert not is_allowed([], listing(None))


def test_a_statement_is_about_the_principals_that_it_names() -> None:
    statement = {**LIST, "Principal": {"AWS": ["arn:aws:iam::111122223333:role/operator"]}}
    caller = frozenset({"arn:aws:iam::111122223333:role/operator"})
    request = Request(action="s3:ListBucket", resource=LIST["Resource"], principals=caller)

    assert is_allowed([statement], request)
    assert not is_allowed([statement], listing(None))


@pytest.mark.parametrize(("names", "allowed"), [(["a"], True), (["a", "b"], False), ([], True), (None, True)])
def test_for_all_values_asks_each_of_the_requests_values(names: list[str] | None, allowed: bool) -> None:  # noqa: FBT001
    statement = {**LIST, "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}}
    context = {} if names is None else {"aws:TagKeys": names}
    request = Request(action="s3:ListBucket", resource=LIST["Resource"], context=context)

    assert is_allowed([statement], request) == allowed


def test_what_the_model_does_not_know_is_an_error() -> None:
    with pytest.raises(NotImplementedError, match="NotAction"):
        is_allowed([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}], listing(None))
    with pytest.raises(KeyError, match="IpAddress"):
        is_allowed([{**LIST, "Condition": {"IpAddress": {"s3:prefix": "1"}}}], listing("1"))
    several = Request(action="s3:ListBucket", resource=LIST["Resource"], context={"aws:TagKeys": ["a", "b"]})
    with pytest.raises(NotImplementedError, match="several values"):
        is_allowed([{**LIST, "Condition": {"StringEquals": {"aws:TagKeys": "a"}}}], several)


@pytest.mark.parametrize(("key", "listable"), [("hello_world_1", True), ("latest.json", False)])
def test_a_role_may_list_what_its_patterns_cover(key: str, listable: bool) -> None:  # noqa: FBT001
    assert may_list(key, ("hello_world_*",)) == listable
    assert may_list(key)
