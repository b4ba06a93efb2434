"""Runs a Python function: `python.py <handler> <directory on the import path>…`.

Hands over to awslambdaric. It runs on the function's interpreter of any version. It imports nothing of this
package, and hides itself from the function's imports.
"""

from __future__ import annotations

import sys

del sys.path[0]  # this script's directory

import importlib  # noqa: E402
import os  # noqa: E402
from types import ModuleType  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from http.client import HTTPResponse

RUNTIME = "/2018-06-01/runtime/"
BAD_REQUEST = 400
ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"


def main() -> None:
    """Run the function's invocations until the process is ended."""
    program, handler, *directories = sys.argv
    sys.path[:0] = directories
    try:
        importlib.import_module("runtime_client")
    except ImportError:
        sys.modules["runtime_client"] = PythonRuntimeClient("runtime_client")
    if os.environ.pop("_HARNESS_TOOL", ""):
        _beside("python_tools").begin(directories)
    if os.environ.get("AWS_ENDPOINT_URL"):
        _beside("python_apis").begin()
    if names := os.environ.pop("_HARNESS_VARIABLES", ""):
        _beside("python_variables").begin(names.split(","), directories)
    from awslambdaric.__main__ import main as run_runtime  # noqa: PLC0415

    sys.argv = [program]
    run_runtime([program, handler])


def _beside(name: str) -> ModuleType:
    """Import a module from this script's directory."""
    from importlib.util import module_from_spec, spec_from_file_location  # noqa: PLC0415 # seldom needed

    spec = spec_from_file_location(f"_harness_{name}", __file__.replace("python.py", f"{name}.py"))
    module = module_from_spec(spec)  # type: ignore[arg-type] # it is there
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


class PythonRuntimeClient(ModuleType):
    """Stands in for awslambdaric's module `runtime_client`, which is built on Linux only."""

    def initialize_client(self, user_agent: str) -> None:
        """Remember how to introduce ourselves."""
        self._user_agent = user_agent

    def next(self) -> tuple[bytes, dict[str, object]]:
        """Wait for the next invocation, and return its payload and headers."""
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
    ) -> tuple[HTTPResponse, bytes]:
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
