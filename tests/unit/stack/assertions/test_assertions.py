from __future__ import annotations

from dataclasses import replace

import pytest

from harness import Endpoint, ExpectationError, NotReachedError, assert_encrypted, assert_no_drift
from harness.stack import assertions
from harness.stack.assertions import assert_nothing_left
from harness.values import ApiResponse, Change, StoredObject
from tests.system import assert_latest

STORED = StoredObject(key="k", body=b"hello", etag='"1"', encryption="aws:kms", kms_key="arn:key")
RESPONSE = ApiResponse(status=200, headers={}, body=b"hello", elapsed=0.1)


def test_what_is_right_passes() -> None:
    assert_encrypted(STORED, key_arn="arn:key")
    assert_latest(RESPONSE, STORED)
    assert_no_drift([])


@pytest.mark.parametrize(
    "stored",
    [
        replace(STORED, encryption=""),
        replace(STORED, encryption="AES256"),
        replace(STORED, kms_key="arn:other"),
        replace(STORED, kms_key=""),
    ],
)
def test_another_encryption_or_key_fails(stored: StoredObject) -> None:
    with pytest.raises(ExpectationError, match=r"of k: expected '(aws:kms|arn:key)', got"):
        assert_encrypted(stored, key_arn="arn:key")


@pytest.mark.parametrize("response", [replace(RESPONSE, status=404), replace(RESPONSE, body=b"older")])
def test_another_answer_fails(response: ApiResponse) -> None:
    with pytest.raises(ExpectationError, match="of the API: expected"):
        assert_latest(response, STORED)


def test_any_change_is_drift() -> None:
    with pytest.raises(ExpectationError, match="aws_s3_bucket"):
        assert_no_drift([Change(address="aws_s3_bucket.this", action="update")])


def test_only_what_was_not_there_before_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Endpoint(backend="any", url="http://any", region="eu-north-1")
    looks = iter([{"s3:old", "iam:gone"}, {"s3:old", "sqs:new", "kms:new"}])
    monkeypatch.setattr(assertions, "inventory", lambda *_, **__: next(looks))

    with pytest.raises(NotReachedError) as caught, assert_nothing_left(account, timeout=0):
        pass

    assert caught.value.last == ["kms:new", "sqs:new"]


def test_what_goes_is_not_left(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Endpoint(backend="any", url="http://any", region="eu-north-1")
    looks = iter([{"s3:old", "iam:gone"}, {"s3:old"}])
    monkeypatch.setattr(assertions, "inventory", lambda *_, **__: next(looks))

    with assert_nothing_left(account, timeout=0):
        pass


def test_the_error_of_what_was_done_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Endpoint(backend="any", url="http://any", region="eu-north-1")
    monkeypatch.setattr(assertions, "inventory", lambda *_, **__: set())

    with pytest.raises(ZeroDivisionError), assert_nothing_left(account):
        raise ZeroDivisionError
