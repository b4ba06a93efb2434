"""The AWS Lambda Runtime API (2018-06-01), served on the loopback interface to one runtime client.

The client asks for the next invocation, which waits until there is one, and posts a response or an error.
"""

import json
import queue
import threading
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import create_connection
from typing import ClassVar, override

PREFIX = "/2018-06-01/runtime/"
HOST = "127.0.0.1"
ERROR_TYPE_HEADER = "Lambda-Runtime-Function-Error-Type"
TOO_LARGE = "Function.ResponseSizeTooLarge"
READ_BYTES = 2**16


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One call of the function, as the runtime client sees it. `deadline_ms` counts from the epoch."""

    request_id: str
    function_arn: str
    payload: bytes
    deadline_ms: int = 0
    trace_id: str | None = None
    client_context: str | None = None
    cognito_identity: str | None = None

    def headers(self) -> dict[str, str]:
        """Return the headers of `next` that have a value."""
        named = {
            "Lambda-Runtime-Aws-Request-Id": self.request_id,
            "Lambda-Runtime-Deadline-Ms": str(self.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self.function_arn,
            "Lambda-Runtime-Trace-Id": self.trace_id,
            "Lambda-Runtime-Client-Context": self.client_context,
            "Lambda-Runtime-Cognito-Identity": self.cognito_identity,
        }
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back. `error_type` is None for a response."""

    body: bytes
    error_type: str | None = None


class InitFailedError(Exception):
    """The runtime client reported that the function can't be initialised.

    Attributes:
        reply: the report.
    """

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.body.decode("utf-8", "replace"))
        self.reply = reply


class TooLargeError(Exception):
    """A body is larger than allowed.

    Attributes:
        limit: bytes allowed.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"Response payload size exceeded maximum allowed payload size ({limit} bytes).")
        self.limit = limit


class RuntimeApi:
    """Server for one runtime client. `ready` is done once the client asks for its first invocation.

    Args:
        max_response: bytes that a response may have.
    """

    def __init__(self, max_response: int) -> None:
        self.ready: Future[None] = Future()
        self.max_response = max_response
        self._invocations: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._replies: dict[str, Future[Reply]] = {}
        self._server = _Server((HOST, 0), _Handler)
        self._server.api = self
        self._failure: Exception | None = None
        self._is_closed = False
        self._thread = threading.Thread(target=self._serve, name=f"runtime-api-{self.port}", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        return self._server.server_port

    @property
    def address(self) -> str:
        """The value of `AWS_LAMBDA_RUNTIME_API`."""
        return f"{HOST}:{self.port}"

    def submit(self, invocation: Invocation) -> Future[Reply]:
        """Hand an invocation to the client, and return where the reply will be."""
        reply: Future[Reply] = Future()
        self._replies[invocation.request_id] = reply
        self._invocations.put(invocation)
        if self._failure:
            _settle(reply, error=self._failure)
        return reply

    def fail(self, error: Exception) -> None:
        """Fail with `error` all that still waits for the client, and all that will."""
        self._failure = error
        _settle(self.ready, error=error)
        for waiting in self._replies.copy().values():
            _settle(waiting, error=error)

    def close(self) -> None:
        """Stop serving, and let clients that wait go."""
        self._is_closed = True
        self._invocations.put(None)
        create_connection((HOST, self.port)).close()
        self._thread.join()
        self._server.server_close()

    def take(self) -> Invocation | None:
        """Wait for an invocation on the client's behalf; None when closing."""
        _settle(self.ready, result=None)
        return self._invocations.get()

    def settle(self, request_id: str, reply: Reply) -> bool:
        """Record a reply; return False if nobody waits for it."""
        waiting = self._replies.pop(request_id, None)
        if waiting is None:
            return False
        _settle(waiting, result=reply)
        return True

    def refuse_init(self, reply: Reply) -> None:
        """Record that initialisation failed."""
        _settle(self.ready, error=InitFailedError(reply))

    def _serve(self) -> None:
        while not self._is_closed:
            self._server.handle_request()


def _settle[T](future: Future[T], result: T | None = None, error: Exception | None = None) -> None:
    """Give a future its end unless it has one."""
    try:
        if error is None:
            future.set_result(result)  # type: ignore[arg-type]
        else:
            future.set_exception(error)
    except InvalidStateError:
        pass


class _Server(ThreadingHTTPServer):
    api: RuntimeApi
    block_on_close = False

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet when a client goes away in mid-request: that is how children end."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm: ClassVar[bool] = True
    wbufsize = -1

    def do_GET(self) -> None:
        if self.path != f"{PREFIX}invocation/next":
            self._answer_unknown()
        elif invocation := self.server.api.take():
            self._answer(HTTPStatus.OK, invocation.payload, invocation.headers())
        else:
            self.close_connection = True

    def do_POST(self) -> None:
        match self.path.removeprefix(PREFIX).split("/"):
            case ["invocation", request_id, "response"]:
                self._take_reply(request_id, None)
            case ["invocation", request_id, "error"]:
                self._take_reply(request_id, self._error_type())
            case ["init", "error"]:
                self.server.api.refuse_init(Reply(body=self._body(), error_type=self._error_type()))
                self._answer(HTTPStatus.ACCEPTED)
            case _:
                self._answer_unknown()

    def _take_reply(self, request_id: str, error_type: str | None) -> None:
        status = HTTPStatus.ACCEPTED
        try:
            reply = Reply(body=self._body(self.server.api.max_response), error_type=error_type)
        except TooLargeError as error:
            reply = error_reply(TOO_LARGE, str(error))
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        is_known = self.server.api.settle(request_id, reply)
        self._answer(status if is_known else HTTPStatus.BAD_REQUEST)

    def _error_type(self) -> str:
        return self.headers.get(ERROR_TYPE_HEADER, "Unhandled")

    def _body(self, limit: int | None = None) -> bytes:
        """Read the body; one over the limit is read to its end, so that the client gets its answer."""
        size = int(self.headers.get("Content-Length", 0))
        if limit is None or size <= limit:
            return self.rfile.read(size)
        for start in range(0, size, READ_BYTES):
            self.rfile.read(min(READ_BYTES, size - start))
        raise TooLargeError(limit)

    def _answer_unknown(self) -> None:
        self._body()
        self._answer(HTTPStatus.NOT_FOUND)

    def _answer(self, status: HTTPStatus, body: bytes = b"{}", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Write no access log."""


def error_reply(error_type: str, message: str) -> Reply:
    """Return an error that Lambda itself reports."""
    body = json.dumps({"errorType": error_type, "errorMessage": message}, separators=(",", ":"))
    return Reply(body=body.encode(), error_type=error_type)
