from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from harness.redaction import MARK, Redaction, leaves

SECRET = "hunter2-Kö&'\""  # noqa: S105 - of nothing


@pytest.mark.parametrize(
    "text",
    [
        f"it is {SECRET}, they say",
        json.dumps({"body": json.dumps({"a": SECRET})}),
        json.dumps({"a": SECRET}, ensure_ascii=False),
        repr({"a": SECRET}),
        f"https://api.example/x?a={quote(SECRET, safe='')}",
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_known_secret_is_left_out_however_it_is_written(text: str) -> None:
    redacted = Redaction(frozenset({SECRET})).text(text)

    assert MARK in redacted
    assert "hunter2" not in redacted
    assert base64.b64encode(b"hunter2").decode()[:8] not in redacted


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abc.def-123", "abc.def-123"),
        ("> authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ('{"Authorization": "s3cr3t-value"}', "s3cr3t-value"),
        ("headers={'X-Api-Key': 'k-12345'}", "k-12345"),
        ("curl -H 'x-api-key: k-12345' https://a", "k-12345"),
        ("Set-Cookie: session=abc123; Path=/", "abc123"),
        ("Cookie: a=1; session=abc123", "abc123"),
        ('"Set-Cookie": "session=abc123; HttpOnly"', "abc123"),
        ("AKIAIOSFODNN7EXAMPLE and more", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", "wJalrXUtnFEMI"),
        ("aws_secret_access_key = 'wJalrXUtnFEMI/K7MDENG'", "wJalrXUtnFEMI"),
        ('"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG"', "wJalrXUtnFEMI"),
        ('"SessionToken": "short-one"', "short-one"),
        ("AWS_SESSION_TOKEN=IQoJb3JpZ2lu", "IQoJb3JpZ2lu"),
        (f"token of STS {'IQoJb3JpZ2lu' * 10}", "IQoJb3JpZ2lu"),
        ("https://b.s3.amazonaws.com/k?X-Amz-Security-Token=abc123&X-Amz-Signature=def", "abc123"),
        ("https://b.s3.amazonaws.com/k?X-Amz-Signature=def456&a=b", "def456"),
        ("AWS4-HMAC-SHA256 Credential=ASIAQ/2026, Signature=x", "ASIAQ"),
        ('{"password": "hunter2"}', "hunter2"),
        ('{"user_password":"hunter2","a":1}', "hunter2"),
        ('{"password": 123456}', "123456"),
        (r'{"body": "{\"password\": \"hunter2\"}"}', "hunter2"),
        ("user=a&password=hunter2&b=c", "hunter2"),
        ("db_password: hunter2", "hunter2"),
        ('clientSecret="hunter2"', "hunter2"),
        ("<Password>hunter2</Password>", "hunter2"),
        ('{"refresh_token": "hunter2"}', "hunter2"),
        ("postgres://me:hunter2@db.example/x", "hunter2"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "eyJzdWIiOiIxIn0"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----", "MIIabc"),
    ],
)
def test_what_looks_like_a_secret_is_left_out(text: str, secret: str) -> None:
    redacted = Redaction().text(text)

    assert secret not in redacted
    assert MARK in redacted
    assert Redaction().text(redacted) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "KeyError: 'BUCKET_NAME'",
        "the object 'greetings/Ada.txt' in the bucket greetings",
        '{"key": "greetings/Ada.txt", "name": "Ada"}',
        "arn:aws:secretsmanager:eu-north-1:000000000000:secret:db-a1b2c3",
        "JSONDecodeError: unexpected token",
        "http://127.0.0.1:4566/dev/latest?name=Ada",
        "KeyError: 'token' in app.py:13",
        '{"password": null}',
        "aws_secretsmanager_secret.db created",
    ],
)
def test_the_rest_stays_as_it_is(text: str) -> None:
    assert Redaction(frozenset({SECRET})).text(text) == text


def test_a_field_that_is_named_like_a_secret_is_left_out_of_json_as_a_whole() -> None:
    plain = {"Authorization": "anything", "a": [{"api_key": "x", "outcome": "passed"}], "n": 1}

    assert Redaction(frozenset({"passed"})).plain(plain) == {
        "Authorization": MARK,
        "a": [{"api_key": MARK, "outcome": "passed"}],
        "n": 1,
    }


def test_the_leaves_of_a_value_are_its_texts_and_numbers() -> None:
    value = {"a": ["long enough", 123456, True, None], "b": {"c": "no", "d": "true"}}

    assert list(leaves(value)) == ["long enough", "123456"]
