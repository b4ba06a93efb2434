"""What the child runs: `bootstrap.py <handler> <directory of a layer>…`, with the lifeline as standard input.

Ties this process group to the lifeline, then hands over to awslambdaric. Runs on the functions' interpreter;
imports nothing of this package, and leaves nothing of it where a function could import it.
"""

import fcntl
import importlib
import os
import signal
import sys
import threading
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from http.client import HTTPResponse

RUNTIME = "/2018-06-01/runtime/"
BAD_REQUEST = 400
ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"


def main() -> None:
    """Set up the process and run the function's invocations until the parent ends it."""
    _program, handler, *layers = sys.argv
    hold_lifeline()
    os.environ["_LAMBDA_TELEMETRY_LOG_FD"] = str(os.dup(sys.stdout.fileno()))
    sys.path[:0] = [os.environ["LAMBDA_TASK_ROOT"], *layers]
    run(handler)


def hold_lifeline() -> None:
    """Take the lifeline away from standard input, and end with it."""
    lifeline = os.dup(sys.stdin.fileno())
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), sys.stdin.fileno())
    watch_by_kernel(lifeline)
    threading.Thread(target=watch_by_thread, args=(lifeline,), name="lifeline", daemon=True).start()


def watch_by_kernel(lifeline: int) -> None:
    """Have the kernel kill this process group when the lifeline breaks, even if code never yields the GIL.

    Linux alone can; elsewhere the thread has to do.
    """
    if not hasattr(fcntl, "F_SETSIG"):
        return
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)


def watch_by_thread(lifeline: int) -> None:
    """Wait until the lifeline breaks, then kill this process group."""
    while os.read(lifeline, 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


def run(handler: str) -> None:
    """Run awslambdaric's loop, with its native client where that was built."""
    try:
        importlib.import_module("runtime_client")
    except ImportError:
        sys.modules["runtime_client"] = PythonRuntimeClient("runtime_client")
    from awslambdaric.__main__ import main as run_runtime  # noqa: PLC0415

    sys.argv = [sys.argv[0]]
    run_runtime([sys.argv[0], handler])


class PythonRuntimeClient(ModuleType):
    """Stands in for awslambdaric's module `runtime_client`, which is built on Linux only."""

    def initialize_client(self, user_agent: str) -> None:
        """Remember how to introduce ourselves."""
        self._user_agent = user_agent

    def next(self) -> tuple[bytes, dict[str, object]]:
        """Wait for the next invocation; return its payload and headers."""
        answer, body = self._call("GET", "invocation/next")
        headers: dict[str, object] = dict(answer.headers)
        headers["Lambda-Runtime-Deadline-Ms"] = int(answer.headers["Lambda-Runtime-Deadline-Ms"])
        return body, headers

    def post_invocation_result(self, request_id: str, body: bytes, content_type: str, *_rest: object) -> None:
        """Post a response."""
        self._call("POST", f"invocation/{request_id}/response", body, {"Content-Type": content_type})

    def post_error(self, request_id: str, body: str, _xray_fault: str, *_rest: object) -> None:
        """Post an error."""
        self._call("POST", f"invocation/{request_id}/error", body.encode(), {ERROR_TYPE: "Unhandled"})

    def _call(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> "tuple[HTTPResponse, bytes]":
        from http.client import HTTPConnection  # noqa: PLC0415 # slow: imports ssl

        connection = HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        try:
            connection.request(
                method, RUNTIME + path, body, {"User-Agent": self._user_agent, **(headers or {})}
            )
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= BAD_REQUEST:
            raise RuntimeError(f"{method} {path} failed: HTTP {answer.status}")
        return answer, content


if __name__ == "__main__":
    main()
