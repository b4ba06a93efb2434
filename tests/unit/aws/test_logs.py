from __future__ import annotations

import json

import pytest
from botocore.stub import Stubber

from harness import Endpoint
from harness.aws import clients
from harness.aws.logs import Invocation, LogEvent, invocations, log_events, mentioning

ENDPOINT = Endpoint(backend="host", url="http://127.0.0.1:1", region="eu-north-1")
RAISED = "[ERROR] KeyError: 'size'\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f"


def log(*messages: str, stream: str = "s", at: float = 1.0) -> list[LogEvent]:
    return [LogEvent(stream=stream, at=at, message=f"{message}\n") for message in messages]


def attempt(*messages: str) -> Invocation:
    (found,) = invocations(log("START RequestId: r-1 Version: 1", *messages))
    return found


def platform(kind: str, **record: object) -> str:
    return json.dumps({"time": "2026-11-25T10:00:00Z", "type": f"platform.{kind}", "record": record})


def test_invocations_at_once_are_told_apart_by_their_streams() -> None:
    one = log("START RequestId: r-1 Version: 1", "one", "END RequestId: r-1", stream="a", at=2.0)
    two = log("START RequestId: r-2 Version: 1", "two", stream="b", at=1.0)

    found = invocations([one[0], *two, *one[1:]])

    assert [(each.request_id, each.begun, each.is_over) for each in found] == [
        ("r-2", 1.0, False),
        ("r-1", 2.0, True),
    ]
    assert found[1].messages == ("START RequestId: r-1 Version: 1", "one", "END RequestId: r-1")


def test_a_stream_holds_one_invocation_after_the_other() -> None:
    found = invocations(log("late", "START RequestId: r-1 V", "a", "START RequestId: r-2 V", "b"))

    assert [each.messages[1:] for each in found] == [("a",), ("b",)]


def test_the_invocations_that_name_an_id_are_found_whole() -> None:
    one = log(
        "START RequestId: r-1 V", "of e-1", "END RequestId: r-1", "START RequestId: r-2 V", "b", stream="a"
    )
    two = log("early", "START RequestId: r-3 V", "of e-1", stream="b")

    found = mentioning([*one, *two], "e-1")

    assert found == [*one[:3], *two[1:]]
    assert mentioning(one, "r-2") == one[3:]
    assert mentioning(one, "") == one
    assert mentioning(one, "e-2") == []


def test_the_log_format_json_is_read_too() -> None:
    lines = (
        platform("start", requestId="r-1", version="1"),
        platform("runtimeDone", requestId="r-1", status="success"),
        platform("report", requestId="r-1", metrics={"durationMs": 12.5}, status="success"),
    )

    (found,) = invocations(log(*lines))

    assert (found.request_id, found.is_over, found.milliseconds) == ("r-1", True, "12.5")
    assert found.failure == ()


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ([RAISED], "KeyError: 'size'"),
        (["Traceback (most recent call last):", '  File "a.py"', "a.Error: broken"], "a.Error: broken"),
        (["2026-11-25T10:00:00Z r-1 Task timed out after 3.00 seconds"], "Task timed out after 3.00 seconds"),
        (
            ["REPORT RequestId: r-1\tDuration: 3 ms\tStatus: error\tError Type: Runtime.ExitError"],
            "ExitError",
        ),
        ([platform("report", requestId="r-1", status="timeout")], "timeout"),
    ],
    ids=["raised", "printed", "timed out", "died", "timed out, as JSON"],
)
def test_a_failure_is_told_with_its_lines(messages: list[str], error: str) -> None:
    found = attempt("a line before", *messages, "END RequestId: r-1")

    assert error in found.error
    assert "\n".join(found.failure) == "\n".join(messages)


NODE = {
    "errorType": "SyntaxError",
    "errorMessage": "no JSON",
    "stack": ["SyntaxError: no JSON", "    at Runtime.handler (file:///var/task/index.mjs:6:67)"],
}
NODE_AS_JSON = {"errorType": "SyntaxError", "errorMessage": "no JSON", "stackTrace": NODE["stack"]}


@pytest.mark.parametrize(
    "message",
    [
        f"2026-11-30T03:20:54.536Z\tr-1\tERROR\tInvoke Error \t{json.dumps(NODE)}",
        f"2026-11-30T03:20:54.536Z\tundefined\tERROR\tUncaught Exception \t{json.dumps(NODE)}",
        f"2026-11-30T03:20:54.536Z\tr-1\tERROR\tUnhandled Promise Rejection \t{json.dumps(NODE)}",
        json.dumps({"timestamp": "2026-11-30T03:20:54Z", "level": "ERROR", "message": NODE_AS_JSON}),
        json.dumps({"level": "ERROR", "requestId": "r-1", **NODE_AS_JSON}),
    ],
    ids=["raised", "uncaught", "rejected", "in a message of JSON", "as JSON"],
)
def test_an_error_of_node_is_a_failure_that_reads_as_one(message: str) -> None:
    found = attempt("a line before", message, "END RequestId: r-1")

    assert found.error == "SyntaxError: no JSON"
    assert found.failure == tuple(NODE["stack"])


def test_a_runtime_that_ended_is_told_with_its_status() -> None:
    ended = "RequestId: r-1 Error: Runtime exited with error: exit status 7\nRuntime.ExitError"
    report = "REPORT RequestId: r-1\tDuration: 3 ms\tStatus: error\tError Type: Runtime.ExitError"

    found = attempt("dying", ended, "END RequestId: r-1", report)

    assert found.error == "Runtime.ExitError: Runtime exited with error: exit status 7"


def test_an_error_of_python_in_json_is_told_with_its_trace() -> None:
    trace = ['  File "/var/task/app.py", line 3, in handler\n    return event["size"]\n']
    error = {"errorMessage": "'size'", "errorType": "KeyError", "stackTrace": trace, "level": "ERROR"}

    found = attempt(json.dumps(error), "END RequestId: r-1")

    assert found.failure == (
        "KeyError: 'size'",
        '  File "/var/task/app.py", line 3, in handler',
        '    return event["size"]',
    )


def test_a_line_that_only_looks_like_an_error_in_json_is_told_as_it_is() -> None:
    cut = '2026-11-30T03:20:54.536Z\tr-1\tERROR\tInvoke Error \t{"errorType":"SyntaxError","err'

    assert attempt(cut).failure == (cut,)


def test_of_errors_that_follow_from_each_other_the_last_is_the_failure() -> None:
    found = attempt(
        "Traceback (most recent call last):",
        '  File "a.py"',
        "KeyError: 1",
        "",
        "During handling of the above exception, another exception occurred:",
        "",
        "Traceback (most recent call last):",
        '  File "b.py"',
        "a.BusyError: S3",
    )

    assert found.error == "a.BusyError: S3"


@pytest.mark.parametrize(
    "message",
    ["ERROR is a word", '{"level":"INFO","message":"Traceback"}', "Status: error", '{"stackTrace":[]}'],
)
def test_words_that_sound_like_a_failure_are_none(message: str) -> None:
    found = attempt(message, "END RequestId: r-1")

    assert (found.failure, found.error, found.complaint) == ((), "", ())


@pytest.mark.parametrize(
    "message",
    [
        "[ERROR]\t2026-11-25T10:00:00Z\tr-1\tno luck",
        "2026-11-30T03:20:54.536Z\tr-1\tERROR\tno",
        '{"level":"ERROR"}',
    ],
)
def test_an_error_that_a_function_logs_itself_is_no_failure(message: str) -> None:
    found = attempt(message, "END RequestId: r-1")

    assert found.failure == ()
    assert found.complaint == (message,)


def test_the_duration_is_lambdas_own_and_no_line_of_the_functions() -> None:
    found = attempt("Duration: 1 ms", "REPORT RequestId: r-1\tDuration: 34.78 ms\tBilled Duration: 35 ms")

    assert found.milliseconds == "34.78"
    assert attempt("Duration: 1 ms").milliseconds == ""


def test_the_ids_in_a_log_are_found_wherever_they_stand() -> None:
    one, two = "a0dbc317-9d78-4f59-b552-da93880fd85a", "29b2c6bf-cc00-4659-a1a0-cd18cfc4dd24"

    assert attempt(f'{{"correlation_id":"{one}"}}', f"got {two}, at last").mentions == {one, two}


def test_a_function_that_has_never_run_has_logged_nothing() -> None:
    client = clients.client(ENDPOINT, "logs")
    with Stubber(client) as stub:
        stub.add_client_error("filter_log_events", "ResourceNotFoundException")

        assert log_events(client, "greet") == []


def test_another_refusal_is_an_error() -> None:
    client = clients.client(ENDPOINT, "logs")
    with Stubber(client) as stub:
        stub.add_client_error("filter_log_events", "AccessDeniedException")

        with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
            log_events(client, "greet")


def test_a_failure_of_the_environments_start_belongs_to_the_invocation_after_it() -> None:
    found = invocations(
        log(
            "INIT_START Runtime Version: x",
            "[ERROR] Runtime.ImportModuleError: No module named 'x'",
            "START RequestId: r-1 Version: 1",
            "REPORT RequestId: r-1\tStatus: error",
            "START RequestId: r-2 Version: 1",
            "END RequestId: r-2",
        )
    )

    assert [each.error for each in found] == ["Runtime.ImportModuleError: No module named 'x'", ""]
