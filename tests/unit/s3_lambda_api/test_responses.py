from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_lambda_api import responses
from s3_lambda_api.model import Stored
from tests.unit.s3_lambda_api.conftest import NOW, name_at

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = name_at(-90)
STORED = Stored(NAME, NAME.body, '"abc"', datetime(2026, 11, 23, 9, 28, 31, tzinfo=UTC))


def answered(
    media: responses.MediaType = "text/plain", if_none_match: str = "", *, head: bool = False
) -> responses.Response:
    return responses.found(STORED, media=media, if_none_match=if_none_match, now=NOW, head=head)


def test_text() -> None:
    assert answered() == {
        "statusCode": 200,
        "headers": {
            "Content-Type": "text/plain; charset=utf-8",
            "ETag": '"abc"',
            "Last-Modified": "Mon, 23 Nov 2026 09:28:31 GMT",
            "Cache-Control": "no-cache",
            "Vary": "Accept",
            "X-Object-Key": NAME.key,
            "Age": "90",
        },
        "body": "Hello World. The current timestamp is 2026-11-23T09:28:30.000000Z.",
    }


def test_json_has_its_own_tag() -> None:
    answer = answered("application/json")
    assert answer["headers"]["Content-Type"] == "application/json"
    assert answer["headers"]["ETag"] == '"abc-json"'
    assert json.loads(answer["body"]) == {
        "key": NAME.key,
        "timestamp": "2026-11-23T09:28:30.000000Z",
        "body": NAME.body.decode(),
    }


def test_head_has_the_headers_of_get_and_no_body() -> None:
    assert answered(head=True) == answered() | {"body": ""}


def test_last_modified_is_in_gmt_wherever_it_comes_from() -> None:
    east = STORED._replace(
        modified=STORED.modified.astimezone(datetime.fromisoformat("2026-01-01T00:00+03:00").tzinfo)
    )
    answer = responses.found(east, media="text/plain", if_none_match="", now=NOW, head=False)
    assert answer == answered()


@pytest.mark.parametrize("tags", ['"abc"', 'W/"abc"', '"x", "abc"', '"x",W/"abc"', "*"])
def test_a_client_that_has_it_gets_304(tags: str) -> None:
    answer = answered(if_none_match=tags)
    assert (answer["statusCode"], answer["body"]) == (304, "")
    assert answer["headers"]["ETag"] == '"abc"'
    assert "Content-Type" not in answer["headers"]


@pytest.mark.parametrize("tags", ["", '"x"', "abc", '"abc-json"', '"ABC"'])
def test_a_client_that_has_another_gets_it(tags: str) -> None:
    assert answered(if_none_match=tags)["statusCode"] == 200


def test_age_is_never_negative() -> None:
    assert responses.age_seconds(STORED, NOW - timedelta(hours=1)) == 0


def test_bytes_that_are_no_text_do_not_crash() -> None:
    answer = responses.found(
        STORED._replace(body=b"\xff"), media="text/plain", if_none_match="", now=NOW, head=False
    )
    assert answer["body"] == "\ufffd"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", "text/plain"),
        ("*/*", "text/plain"),
        ("text/plain", "text/plain"),
        ("application/json", "application/json"),
        ("Application/JSON", "application/json"),
        ("application/*", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        ("application/json, text/plain, */*", "text/plain"),
        ("text/plain;q=0.5, application/json", "application/json"),
        ("text/plain, application/json;q=0.9", "text/plain"),
        ("text/*;q=0.3, */*;q=0.5", "application/json"),
        ("*/*, text/plain;q=0", "application/json"),
        ("application/json;q=0", "text/plain"),
        ("application/json;q=0, */*;q=0.1", "text/plain"),
        ("application/json;q=oops", "text/plain"),
        ("application/json;q=nan", "text/plain"),
        ("application/json;q=2", "text/plain"),
        ("application/json;Q=0.5, text/plain;q=0.4", "application/json"),
        ("image/png", "text/plain"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/plain"),
        (",;,=;q", "text/plain"),
    ],
)
def test_the_accept_header_decides(accept: str, media: str) -> None:
    assert responses.media_type(accept) == media


@given(st.text())
def test_any_accept_header_gets_an_answer(accept: str) -> None:
    assert responses.media_type(accept) in {"text/plain", "application/json"}


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (responses.empty, 404, "No object has been written yet."),
        (responses.busy, 503, "The storage is busy. Please try again."),
        (responses.failed, 500, "Internal server error."),
    ],
)
def test_problems_speak_both_media_types_and_are_not_kept(
    answer: Callable[..., responses.Response], status: int, message: str
) -> None:
    text = answer(media="text/plain", head=False)
    assert (text["statusCode"], text["body"]) == (status, message)
    assert text["headers"]["Content-Type"] == "text/plain; charset=utf-8"
    assert text["headers"]["Cache-Control"] == "no-store"
    assert json.loads(answer(media="application/json", head=False)["body"]) == {"message": message}
    assert answer(media="text/plain", head=True)["body"] == ""


def test_busy_says_when_to_come_back() -> None:
    assert responses.busy(media="text/plain", head=False)["headers"]["Retry-After"] == "1"
