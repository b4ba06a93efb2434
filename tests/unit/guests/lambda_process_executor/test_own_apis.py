"""Functions that call an API of their stack at its host on AWS."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
from lambda_process_executor.runtimes import CLIENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

NODE = shutil.which("node")
HOST = "abc.execute-api.eu-west-1.amazonaws.com"
PYTHON = f"""
    import runpy
    runpy.run_path({str(CLIENTS / "python_apis.py")!r})["begin"]()

    import boto3
    apis = boto3.client("apigatewaymanagementapi", "eu-west-1", endpoint_url="https://HOST/prod")
    apis.post_to_connection(ConnectionId="c=", Data=b"hello")
    print(boto3.client("sts", "eu-west-1").meta.endpoint_url)
"""
REQUEST = """
    const request = https.request({ host: "HOST", path: "/prod/@connections/c%3D", method: "POST" }, done);
    request.end("hello");
    function done(answer) { answer.resume(); }
"""
URL = """
    https.request("https://HOST/prod/@connections/c%3D", { method: "POST" }, done).end("hello");
    function done(answer) { answer.resume(); }
"""


class Emulator(HTTPServer):
    """An emulator that notes what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.got: list[tuple[str, str, bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Emulator

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 5))
        self.server.got.append((str(self.headers["Host"]), self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def run(argv: list[str], emulator: Emulator) -> str:
    environ = {**os.environ, "AWS_ENDPOINT_URL": emulator.url, "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1"}
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    return subprocess.run(
        argv, env={**environ, **keys}, capture_output=True, text=True, check=True, timeout=60
    ).stdout


def test_boto3_reaches_it_at_the_emulator(emulator: Emulator) -> None:
    printed = run([sys.executable, "-c", textwrap.dedent(PYTHON).replace("HOST", HOST)], emulator)

    assert emulator.got == [(HOST, "/prod/@connections/c%3D", b"hello")]
    assert printed.strip() == emulator.url  # and all other clients are as they were


@pytest.mark.skipif(not NODE, reason="there is no Node.js")
@pytest.mark.parametrize("call", [REQUEST, URL], ids=["options", "URL"])
@pytest.mark.parametrize(
    "kind",
    [
        ("--input-type=module", 'import * as https from "node:https";'),
        ("", 'const https = require("https");'),
    ],
    ids=["ES module", "CommonJS"],
)
def test_node_js_reaches_it_at_the_emulator(emulator: Emulator, call: str, kind: tuple[str, str]) -> None:
    option, load = kind
    program = ["--require", str(CLIENTS / "nodejs.cjs"), *filter(None, [option]), "--eval"]

    run([str(NODE), *program, (load + call).replace("HOST", HOST)], emulator)

    assert emulator.got == [(HOST, "/prod/@connections/c%3D", b"hello")]
