"""Assertions about the answers of this repository's API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.stack.assertions.expect import expect

if TYPE_CHECKING:
    from harness.values import ApiResponse, StoredObject


def assert_latest(response: ApiResponse, stored: StoredObject) -> None:
    """Check that the API answered with the content of `stored`.

    Raises:
        ExpectationError: It answered with another status or another body.
    """
    expect("status of the API", 200, response.status)
    expect("body of the API", stored.body, response.body)
