"""The AWS Lambda Runtime API (2018-06-01), served on the loopback interface to one runtime client.

The client asks for the next invocation, which waits until there is one, and posts a response or an error.
"""

import json
import logging
import queue
import threading
from base64 import b64decode
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from http.client import parse_headers
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import create_connection
from typing import ClassVar, override

from lambda_process_executor import tools
from lambda_process_executor.request_log import NO_READS, Reads

LOG = logging.getLogger(__name__)
PREFIX = "/2018-06-01/runtime/"
HOST = "127.0.0.1"
ERROR_TYPE_HEADER = "Lambda-Runtime-Function-Error-Type"
ERROR_BODY_TRAILER = "Lambda-Runtime-Function-Error-Body"
TOO_LARGE = "Function.ResponseSizeTooLarge"
READ_BYTES = 2**16
TOOL_PLAN, TOOL_CONTEXT, TOOL_FOUND = "/harness/plan", "/harness/context", "/harness/found"
VARIABLES = "/harness/variables"

client_context: ContextVar[str | None] = ContextVar("client_context", default=None)


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
    """The client's answer. `error_type` is None for a response."""

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
        tool: a tool in the client's process, which communicates here too.

    Attributes:
        reads: what the client's process has told of its variables.
    """

    def __init__(self, max_response: int, tool: tools.Tool = tools.NONE) -> None:
        self.ready: Future[None] = Future()
        self.max_response = max_response
        self.tool = tool
        self.reads = NO_READS
        self._invocations: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._replies: dict[str, Future[Reply]] = {}
        self._server = _Server((HOST, 0), _Handler)
        self._server.api = self
        self._failure: Exception | None = None
        self._taken: str | None = None
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
        """Give an invocation to the client, and return a future of the reply."""
        reply: Future[Reply] = Future()
        self._replies[invocation.request_id] = reply
        self._invocations.put(invocation)
        if self._failure:
            _settle(reply, error=self._failure)
        return reply

    def fail(self, error: Exception) -> None:
        """Fail all waiting and all later invocations with `error`."""
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
        """Wait for an invocation on behalf of the client. Returns None when closing."""
        _settle(self.ready, result=None)
        invocation = self._invocations.get()
        if invocation:
            self._taken = invocation.request_id
        return invocation

    def has_taken(self, request_id: str) -> bool:
        """Whether the client's latest invocation is this one."""
        return self._taken == request_id

    def settle(self, request_id: str, reply: Reply) -> bool:
        """Record a reply, and return whether somebody waited for it."""
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
        """Ignore a client that disconnects during a request, because that is how children end."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm: ClassVar[bool] = True
    wbufsize = -1

    def do_GET(self) -> None:
        if self.path == TOOL_PLAN:
            self._answer(HTTPStatus.OK, json.dumps(dict(self.server.api.tool.plan)).encode())
        elif self.path == TOOL_CONTEXT:
            self._answer(HTTPStatus.OK, self.server.api.tool.context())
        elif self.path != f"{PREFIX}invocation/next":
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
            case _ if self.path == TOOL_FOUND:
                self.server.api.tool.take(self._body())
                self._answer(HTTPStatus.ACCEPTED)
            case _ if self.path == VARIABLES:
                self.server.api.reads = Reads.of(self._body())
                self._answer(HTTPStatus.ACCEPTED)
            case _:
                self._answer_unknown()

    @override
    def finish(self) -> None:
        """Close both files, even if the client is gone and takes no rest of an answer."""
        with suppress(OSError):
            super().finish()
        self.rfile.close()

    def _take_reply(self, request_id: str, error_type: str | None) -> None:
        status = HTTPStatus.ACCEPTED
        try:
            body = self._body(self.server.api.max_response)
            reply = self._stream_error() or Reply(body=body, error_type=error_type)
        except TooLargeError as error:
            reply = error_reply(TOO_LARGE, str(error))
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        is_known = self.server.api.settle(request_id, reply)
        self._answer(status if is_known else HTTPStatus.BAD_REQUEST)

    def _stream_error(self) -> Reply | None:
        """Return the error that ended a streamed response, from its trailers.

        https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
        """
        encoded = self.headers.get(ERROR_BODY_TRAILER)
        return Reply(body=b64decode(encoded), error_type=self._error_type()) if encoded else None

    def _error_type(self) -> str:
        return self.headers.get(ERROR_TYPE_HEADER, "Unhandled")

    def _body(self, limit: int | None = None) -> bytes:
        """Read the body.

        A body over the limit is read to its end, so that the client gets its answer.
        """
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunks(limit)
        size = int(self.headers.get("Content-Length", 0))
        if limit is None or size <= limit:
            return self.rfile.read(size)
        for start in range(0, size, READ_BYTES):
            self.rfile.read(min(READ_BYTES, size - start))
        raise TooLargeError(limit)

    def _chunks(self, limit: int | None) -> bytes:
        """Read a chunked body, such as a streamed response. Its trailers become headers.

        https://www.rfc-editor.org/rfc/rfc9112#section-7.1
        """
        body, length = bytearray(), 0
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            chunk = self.rfile.read(size)
            length += size
            if limit is None or length <= limit:
                body += chunk
            self.rfile.readline()
        for name, value in parse_headers(self.rfile).items():
            self.headers[name] = value
        if limit is not None and length > limit:
            raise TooLargeError(limit)
        return bytes(body)

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


def decode_client_context(encoded: str | None) -> str | None:
    """Return the client context as JSON on one line, as AWS passes it, from its base64 in the request.

    Function URLs pass plain JSON.
    """
    if not encoded:
        return None
    try:
        return json.dumps(json.loads(encoded if encoded.startswith("{") else b64decode(encoded)))
    except ValueError:
        LOG.warning("Client context %r is not JSON in base64, so the function gets none", encoded)
        return None
