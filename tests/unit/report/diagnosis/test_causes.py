"""The cause of a test's failure, in one line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from harness.aws.logs import Invocation
from harness.aws.outbox import Answered
from harness.aws.rest import Request
from harness.report.diagnosis.causes import (
    cause_of,
    group,
    hop_of_error,
    hop_of_server_error,
    is_server_error,
)
from harness.stack.hops import Hop, Trace
from harness.values import FiredEvent

ACCEPTED = Hop(name="accepted by EventBridge", state="reached", seen="id 1, bus default")
UNMATCHED = Hop(
    name="matched a rule", state="failed", seen="no rule matches it; bus default has 1\nr: ENABLED"
)
BROKEN = Hop(
    name="function returned",
    state="failed",
    seen="request 9f-1: KeyError: 'BUCKET'\nTraceback (most recent call last):\n"
    '  File "/usr/lib/a.py", line 1, in run\n  File "src/greeter/__init__.py", line 13, in handler\n'
    '  File "<frozen os>", line 717, in __getitem__\n'
    "KeyError: 'BUCKET'",
)
NODE = Hop(
    name="function returned",
    state="failed",
    seen="request 9f-1: TypeError: x is not a function\nTypeError: x is not a function\n"
    "    at Array.map (<anonymous>)\n    at inner (src/orders/index.mjs:3:9)\n"
    "    at Runtime.handler (src/orders/app.mjs:7:2)\n    at /var/runtime/index.mjs:1:1",
)


REFUSED = "refused by the harness, as it is not the emulator: terraform: CONNECT pypi.org:443; do this"


def trace(*hops: Hop) -> Trace:
    event = FiredEvent(
        id="1", bus="default", source="s", detail_type="t", detail={}, timestamp=datetime.now(UTC)
    )
    return Trace(sent=event, hops=hops)


@pytest.mark.parametrize(
    ("said", "traces", "refused", "cause"),
    [
        ("AssertionError: no object\n  more", [], [], "AssertionError: no object"),
        ("\nassert 1 == 2", [trace(ACCEPTED)], [], "assert 1 == 2"),
        ("harness.errors.NotReachedError: waited 3 s", [], [], "waited 3 s"),
        (
            "Failed: terraform apply failed:\n  error: no such role",
            [],
            [],
            "terraform apply failed: error: no such role",
        ),
        ("", [], [], "no reason was given"),
        (
            "waited 30 s",
            [trace(ACCEPTED, UNMATCHED)],
            [],
            "matched a rule: no rule matches it; bus default has 1",
        ),
        (
            "waited 30 s",
            [trace(ACCEPTED), trace(ACCEPTED, BROKEN)],
            [],
            "function returned: KeyError: 'BUCKET' (src/greeter/__init__.py:13)",
        ),
        (
            "waited 30 s",
            [trace(ACCEPTED, NODE)],
            [],
            "function returned: TypeError: x is not a function (src/orders/index.mjs:3)",
        ),
        (
            "AttributeError: 'Queue' object has no attribute 'wait'",
            [trace(ACCEPTED, BROKEN)],
            [],
            "AttributeError: 'Queue' object has no attribute 'wait'",
        ),
        (
            "harness.errors.ResourceError: no queue is named 'x', of:\n  aws_sqs_queue.jobs",
            [trace(ACCEPTED, BROKEN)],
            [],
            "no queue is named 'x', of: aws_sqs_queue.jobs",
        ),
        (
            "AttributeError: 'NoneType' object has no attribute 'body'",
            [trace(ACCEPTED, UNMATCHED)],
            [],
            "matched a rule: no rule matches it; bus default has 1",
        ),
        (
            "waited 30 s",
            [trace(ACCEPTED, BROKEN)],
            ["GET api.example.org:443, by greet"],
            "refused by the harness, as it is not the emulator: GET api.example.org:443, by greet",
        ),
        (
            "error: terraform_data.build (main.tf:17): local-exec provisioner error\n" + REFUSED,
            [],
            [],
            REFUSED,
        ),
    ],
)
def test_the_cause_is_what_stopped_the_event_and_else_the_tests_own_error(
    said: str, traces: list[Trace], refused: list[str], cause: str
) -> None:
    assert cause_of(said, traces, refused) == cause


def test_a_cause_is_one_line_of_bounded_length() -> None:
    assert cause_of("x" * 1000, [], []) == "x" * 399 + "…"


def test_tests_share_a_cause_in_the_order_in_which_they_failed() -> None:
    assert group([("a", "one"), ("b", "two"), ("c", "one")]) == {"one": ["a", "c"], "two": ["b"]}


@pytest.mark.parametrize(
    ("logged", "cause"),
    [
        (
            ("[ERROR] KeyError: 'BUCKET'", '  File "src/reader/__init__.py", line 7, in handler'),
            "GET /latest answered 502: KeyError: 'BUCKET' (src/reader/__init__.py:7)",
        ),
        (("[ERROR]\tthe bucket is gone",), "GET /latest answered 502: [ERROR]\tthe bucket is gone"),
        (("fine",), "GET /latest answered 502: no function logged an error"),
    ],
)
def test_an_answer_of_the_api_names_the_error_of_the_function_that_ran(
    logged: tuple[str, ...], cause: str
) -> None:
    url = "http://127.0.0.1:1/_aws/execute-api/1a2b/latest?x=1"
    request = Request(begun=100.0, method="GET", url=url, status=502, seconds=0.5)
    earlier = Invocation(request_id="1", begun=80.0, messages=("[ERROR] ValueError: of another test",))
    meanwhile = Invocation(request_id="2", begun=100.1, messages=logged)

    answer = hop_of_server_error(request, [earlier, meanwhile])

    assert cause_of("assert 502 == 200", [trace(ACCEPTED)], [], answer) == cause
    assert is_server_error([request])
    assert not is_server_error([request, replace(request, status=404)])
    assert not is_server_error([])


def test_the_error_of_a_function_that_the_test_invoked_is_the_cause_with_its_place() -> None:
    answered = Answered(function="reader", request_id="2", error="KeyError: 'BUCKET'")
    logged = ("[ERROR] KeyError: 'BUCKET'", '  File "src/reader/__init__.py", line 7, in handler')
    attempts = [
        Invocation(request_id="1", begun=80.0, messages=("[ERROR] ValueError: of another",)),
        Invocation(request_id="2", begun=81.0, messages=logged),
    ]

    located = cause_of("assert {} == 1", [], [], hop_of_error(answered, attempts))
    not_logged = cause_of("assert {} == 1", [], [], hop_of_error(answered, []))

    assert located == "function reader answered: KeyError: 'BUCKET' (src/reader/__init__.py:7)"
    assert not_logged == "function reader answered: KeyError: 'BUCKET'"


def test_a_long_list_of_what_was_expected_does_not_hide_what_came() -> None:
    known = " ".join(f'"python3.{minor}"' for minor in range(6, 14))

    said = f"error: expected runtime to be one of [{known}], got python3.14"

    assert cause_of(said, [], []) == "error: expected runtime to be one of […], got python3.14"


@pytest.mark.parametrize("more", ["", "HostID: tjUOXzBLx+fIZw, api error ", "api error "])
def test_the_reason_of_a_refused_call_is_told_without_the_calls_number(more: str) -> None:
    said = (
        "error: aws_lambda_function.f (main.tf:26): creating Lambda Function (f): operation error Lambda: "
        f"CreateFunction, https response error StatusCode: 400, RequestID: e0fbb241-07a2, {more}"
        "InvalidParameterValueException: function f: its `bootstrap` is not executable"
    )

    assert cause_of(said, [], []) == (
        "error: aws_lambda_function.f (main.tf:26): creating Lambda Function (f): "
        "InvalidParameterValueException: function f: its `bootstrap` is not executable"
    )
