from __future__ import annotations

import base64
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest
from lambda_process_executor.runtime_api import (
    HOST,
    PREFIX,
    InitFailedError,
    Reply,
    RuntimeApi,
)

from harness import eventually

from .conftest import invocation

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 1000


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    served = RuntimeApi(LIMIT)
    yield served
    served.close()


def call(
    api: RuntimeApi, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection(api.address, timeout=5)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, PREFIX + path, body, named)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, dict(answer.headers), content


def test_next_gives_the_invocation_with_all_that_makes_its_context(api: RuntimeApi) -> None:
    api.submit(
        invocation(
            payload=b'{"a": 1}',
            deadline_ms=5,
            trace_id="Root=1",
            client_context="{}",
            cognito_identity='{"a": 1}',
        )
    )

    status, headers, body = call(api, "GET", "invocation/next")

    assert (status, body) == (200, b'{"a": 1}')
    assert headers["Content-Type"] == "application/json"
    assert {name: value for name, value in headers.items() if name.startswith("Lambda-")} == {
        "Lambda-Runtime-Aws-Request-Id": "request-1",
        "Lambda-Runtime-Deadline-Ms": "5",
        "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-north-1:000000000000:function:f:live",
        "Lambda-Runtime-Trace-Id": "Root=1",
        "Lambda-Runtime-Client-Context": "{}",
        "Lambda-Runtime-Cognito-Identity": '{"a": 1}',
    }


def test_headers_without_a_value_are_left_out(api: RuntimeApi) -> None:
    api.submit(invocation())

    _, headers, _ = call(api, "GET", "invocation/next")

    assert "Lambda-Runtime-Client-Context" not in headers


def test_next_waits_until_there_is_an_invocation(api: RuntimeApi) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(call, api, "GET", "invocation/next")
        api.ready.result(5)
        assert not answer.done()
        api.submit(invocation(payload=b"late"))
        assert answer.result(5)[2] == b"late"


def test_the_first_next_makes_it_ready(api: RuntimeApi) -> None:
    assert not api.ready.done()
    api.submit(invocation())
    call(api, "GET", "invocation/next")
    assert api.ready.done()


def test_a_response_settles_its_invocation(api: RuntimeApi) -> None:
    reply = api.submit(invocation())

    assert call(api, "POST", "invocation/request-1/response", b"[1]")[0] == 202
    assert reply.result(5) == Reply(body=b"[1]")


def test_an_error_settles_its_invocation_with_its_type(api: RuntimeApi) -> None:
    reply = api.submit(invocation())

    call(api, "POST", "invocation/request-1/error", b"{}", Lambda_Runtime_Function_Error_Type="Unhandled")

    assert reply.result(5) == Reply(body=b"{}", error_type="Unhandled")


def test_a_response_as_large_as_allowed_passes(api: RuntimeApi) -> None:
    reply = api.submit(invocation())

    assert call(api, "POST", "invocation/request-1/response", b"x" * LIMIT)[0] == 202
    assert len(reply.result(5).body) == LIMIT


@pytest.mark.parametrize("size", [LIMIT + 1, 10 * 2**20])
def test_a_larger_response_is_refused_and_reported(api: RuntimeApi, size: int) -> None:
    reply = api.submit(invocation())

    assert call(api, "POST", "invocation/request-1/response", b"x" * size)[0] == 413
    assert json.loads(reply.result(5).body) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (1000 bytes).",
    }


def test_a_reply_to_no_invocation_is_refused(api: RuntimeApi) -> None:
    assert call(api, "POST", "invocation/other/response", b"1")[0] == 400


def test_a_second_reply_is_refused(api: RuntimeApi) -> None:
    api.submit(invocation())
    call(api, "POST", "invocation/request-1/response", b"1")

    assert call(api, "POST", "invocation/request-1/response", b"2")[0] == 400


def test_an_initialisation_error_ends_the_wait_for_readiness(api: RuntimeApi) -> None:
    call(
        api, "POST", "init/error", b'{"a": 1}', Lambda_Runtime_Function_Error_Type="Runtime.ImportModuleError"
    )

    with pytest.raises(InitFailedError) as caught:
        api.ready.result(5)
    assert caught.value.reply == Reply(body=b'{"a": 1}', error_type="Runtime.ImportModuleError")


@pytest.mark.parametrize(("method", "path"), [("GET", "restore/next"), ("POST", "nothing")])
def test_other_paths_are_unknown(api: RuntimeApi, method: str, path: str) -> None:
    assert call(api, method, path)[0] == 404


def test_a_failure_reaches_all_that_wait_and_all_that_will(api: RuntimeApi) -> None:
    before = api.submit(invocation("before"))

    api.fail(OSError("gone"))

    for waiting in (api.ready, before, api.submit(invocation("after"))):
        with pytest.raises(OSError, match="gone"):
            waiting.result(5)


def test_closing_lets_a_waiting_client_go_and_leaves_no_thread() -> None:
    threads = threading.active_count()
    api = RuntimeApi(LIMIT)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(call, api, "GET", "invocation/next")
        api.ready.result(5)

        api.close()

        assert isinstance(answer.exception(5), ConnectionError)
    # The thread that answered ends a moment after its answer.
    eventually(threading.active_count, until=lambda now: now <= threads, what="the end of every thread")


# A response that is streamed comes in chunks, and says in trailers if it broke off


def stream(api: RuntimeApi, *lines: bytes) -> bytes:
    """Post the answer to an invocation in chunks, and return the status line."""
    head = b"POST %sinvocation/request-1/response HTTP/1.1" % PREFIX.encode()
    sent = [head, b"Host: here", b"Transfer-Encoding: chunked", b"", *lines, b"", b""]
    with socket.create_connection((HOST, api.port), timeout=5) as connection:
        connection.sendall(b"\r\n".join(sent))
        return connection.makefile("rb").readline()


def test_chunks_are_joined(api: RuntimeApi) -> None:
    reply = api.submit(invocation())

    status = stream(api, b"3", b"abc", b"a;size=ten", b"0123456789", b"0")

    assert b" 202 " in status
    assert reply.result(5) == Reply(body=b"abc0123456789")


def test_a_stream_that_breaks_off_is_an_error(api: RuntimeApi) -> None:
    reply = api.submit(invocation())
    told = base64.b64encode(b'{"errorMessage": "in the middle"}')

    stream(
        api,
        b"3",
        b"abc",
        b"0",
        b"Lambda-Runtime-Function-Error-Type: RangeError",
        b"Lambda-Runtime-Function-Error-Body: " + told,
    )

    assert reply.result(5) == Reply(body=b'{"errorMessage": "in the middle"}', error_type="RangeError")


def test_a_stream_that_is_too_large_is_refused(api: RuntimeApi) -> None:
    reply = api.submit(invocation())

    status = stream(api, b"%x" % (LIMIT + 1), b"x" * (LIMIT + 1), b"0")

    assert b" 413 " in status
    assert reply.result(5).error_type == "Function.ResponseSizeTooLarge"


def test_what_the_client_took_last_is_known(api: RuntimeApi) -> None:
    api.submit(invocation())

    assert not api.has_taken("request-1")
    call(api, "GET", "invocation/next")
    assert api.has_taken("request-1")
