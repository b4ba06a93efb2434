"""What a healthy system looks like; each failure names what was expected and what came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import ExpectationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.types import ApiResponse, Change, StoredObject


def assert_encrypted(stored: StoredObject, *, key_arn: str) -> None:
    """Check that `stored` is encrypted with SSE-KMS under exactly `key_arn`.

    Raises:
        ExpectationError: It is not.
    """
    _expect(f"encryption of {stored.key}", "aws:kms", stored.encryption)
    _expect(f"KMS key of {stored.key}", key_arn, stored.kms_key)


def assert_latest(response: ApiResponse, stored: StoredObject) -> None:
    """Check that the API answered with the content of `stored`.

    Raises:
        ExpectationError: It answered another status or another body.
    """
    _expect("status of the API", 200, response.status)
    _expect("body of the API", stored.body, response.body)


def assert_no_drift(changes: Sequence[Change]) -> None:
    """Check that a plan proposes nothing.

    Raises:
        ExpectationError: It proposes changes.
    """
    _expect("changes of a second plan", [], list(changes))


def _expect(subject: str, expected: object, got: object) -> None:
    if expected != got:
        raise ExpectationError(subject, expected=expected, got=got)
