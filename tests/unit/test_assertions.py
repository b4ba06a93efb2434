from __future__ import annotations

from dataclasses import replace

import pytest

from harness import (
    ApiResponse,
    Change,
    ExpectationError,
    StoredObject,
    assert_encrypted,
    assert_latest,
    assert_no_drift,
)

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
