from __future__ import annotations

from typing import Any

from lambda_process_executor.http_events import completed, in_first_format


def event(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    http = {"method": "GET", "path": "/a", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "u"}
    context = {
        "accountId": "000000000000",
        "apiId": "a1",
        "domainName": "a1.x",
        "requestId": "r",
        "stage": "test",
        "time": "t",
        "timeEpoch": 1,
        "http": http,
    }
    usual = {
        "version": "2.0",
        "routeKey": "GET /{id}",
        "rawPath": "/a",
        "rawQueryString": "x=1&x=2&y=",
        "headers": {"cookie": "a=1; b=2"},
        "pathParameters": {"id": "a"},
        "isBase64Encoded": False,
        "requestContext": context,
    }
    return {**usual, **changes}


def test_the_second_format_has_stage_cookies_and_all_values() -> None:
    made = completed(event(), {"level": "low"})

    assert (made["rawPath"], made["requestContext"]["http"]["path"]) == ("/test/a", "/test/a")
    assert made["cookies"] == ["a=1", "b=2"]
    assert made["queryStringParameters"] == {"x": "1,2", "y": ""}
    assert made["stageVariables"] == {"level": "low"}


def test_what_has_no_value_is_missing_from_the_second_format() -> None:
    bare = event(rawQueryString="", headers={}, pathParameters=None, cookies=None, body=None)

    assert not {"body", "cookies", "pathParameters", "queryStringParameters", "stageVariables"} & set(
        completed(bare, {})
    )


def test_the_default_stage_is_not_in_the_path() -> None:
    default = {**event()["requestContext"], "stage": "$default"}

    assert completed(event(requestContext=default), {})["rawPath"] == "/a"


def test_the_first_format_resembles_that_of_a_rest_api() -> None:
    context = {**event()["requestContext"], "authorizer": {"jwt": {"claims": {"sub": "me"}}}}
    made = completed(in_first_format(event(requestContext=context)), {})

    assert (made["version"], made["httpMethod"], made["path"], made["resource"]) == (
        "1.0",
        "GET",
        "/test/a",
        "/{id}",
    )
    assert made["queryStringParameters"] == {"x": "2", "y": ""}
    assert made["multiValueQueryStringParameters"] == {"x": ["1", "2"], "y": [""]}
    assert made["requestContext"]["authorizer"] == {"claims": {"sub": "me"}}
    assert (made["body"], made["stageVariables"]) == (None, None)
