from __future__ import annotations

import json
import sys
import textwrap
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lambda_process_executor.toolchains import (
    Interpreter,
    NoToolchainError,
    Toolchain,
    UnfitInterpreterError,
    probe,
    toolchain,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN = f"python3.{sys.version_info.minor}"


def script(path: Path, body: str) -> str:
    path.write_text("#!/bin/sh\n" + textwrap.dedent(body), "utf-8")
    path.chmod(0o755)
    return str(path)


@contextmanager
def answering(status: int, body: str) -> Iterator[str]:
    """Serve one answer to every request, and yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.replace("PATH", self.path).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def own_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDA_PROCESS_PYTHON", sys.executable)


def test_it_tells_the_version_of_an_interpreter() -> None:
    assert probe(sys.executable) == Interpreter(
        path=sys.executable, version=f"{sys.version_info.major}.{sys.version_info.minor}"
    )


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        UnfitInterpreterError, match=r"no-python does not start.*Set LAMBDA_PROCESS_PYTHON"
    ) as caught:
        probe(str(tmp_path / "no-python"))
    assert caught.value.python.endswith("no-python")


def test_an_interpreter_that_fails_shows_why(tmp_path: Path) -> None:
    with pytest.raises(UnfitInterpreterError, match="bad day"):
        probe(script(tmp_path / "python", "echo bad day >&2; exit 1"))


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    answer = """echo '{"version": "3.13", "found": ["boto3"]}'"""
    with pytest.raises(UnfitInterpreterError, match="lacks awslambdaric"):
        probe(script(tmp_path / "python", answer))


def test_the_interpreter_that_is_there_serves_its_own_version() -> None:
    assert toolchain(OWN) == Toolchain(program=Path(sys.executable))


def test_any_other_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(200, json.dumps({"program": "/prepared/PATH", "packages": None})) as url:
        monkeypatch.setenv("LAMBDA_PROCESS_RUNTIMES", url)

        assert toolchain("python3.9") == Toolchain(program=Path("/prepared//python3.9"))


def test_the_reason_why_there_is_none_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(424, "install Python 3.9") as url:
        monkeypatch.setenv("LAMBDA_PROCESS_RUNTIMES", url)

        with pytest.raises(NoToolchainError, match=r"^install Python 3\.9$"):
            toolchain("python3.9")


def test_nobody_to_ask_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAMBDA_PROCESS_RUNTIMES", raising=False)

    with pytest.raises(
        NoToolchainError, match=rf"functions run on {OWN} here\. .*HARNESS_LAMBDA_EXECUTOR=docker"
    ):
        toolchain("python3.9")
