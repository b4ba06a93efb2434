from __future__ import annotations

from typing import Any

import pytest

from s3_lambda_api.request import Request

PLAIN = Request(media="text/plain", if_none_match="", head=False)


@pytest.mark.parametrize(
    "event", [{}, None, [], {"headers": None, "multiValueHeaders": None, "httpMethod": "GET"}]
)
def test_a_bare_request_is_a_plain_get(event: object) -> None:
    assert Request.of(event) == PLAIN


def test_head_is_seen() -> None:
    assert Request.of({"httpMethod": "HEAD"}).head


@pytest.mark.parametrize("name", ["Accept", "accept", "ACCEPT"])
def test_header_names_have_no_case(name: str) -> None:
    assert Request.of({"headers": {name: "application/json"}}).media == "application/json"


def test_repeated_headers_are_joined() -> None:
    event: dict[str, Any] = {
        "headers": {"If-None-Match": '"b"', "Accept": "text/plain;q=0.1"},
        "multiValueHeaders": {
            "If-None-Match": ['"a"', '"b"'],
            "Accept": ["text/plain;q=0.1", "application/json"],
        },
    }
    assert Request.of(event) == Request("application/json", '"a","b"', head=False)
