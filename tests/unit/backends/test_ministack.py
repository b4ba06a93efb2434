from __future__ import annotations

import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import BackendError, Settings, SettingsError, backends
from harness.backends import ministack as module
from harness.backends.ministack import ministack
from harness.base import environments

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SERVER = """
import http.server, os, pathlib
names = "AUTH", "BIND_HOST", "MINISTACK_REGION", "HTTPS_PROXY", "AWS_PROFILE"
names += "AWS_EC2_METADATA_DISABLED", "IOT_MTLS_ENABLED"
pathlib.Path({seen!r}).write_text("\\n".join(f"{{name}}={{os.environ.get(name)}}" for name in names))
address = os.environ["BIND_HOST"], int(os.environ["GATEWAY_PORT"])
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/_ministack/health" else 404)
        self.end_headers()
http.server.HTTPServer(address, Answer).serve_forever()
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Replace MiniStack's interpreter by a shell script."""

    def install(script: str) -> None:
        program = tmp_path / "ministack"
        program.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        program.chmod(0o755)
        monkeypatch.setattr(environments, "install", lambda *_: program)

    return install


@pytest.fixture
def served(tmp_path: Path, fake: Callable[[str], None]) -> Path:
    """Replace MiniStack by a healthy server, and return the file with the server's environment."""
    seen, server = tmp_path / "seen", tmp_path / "server.py"
    server.write_text(SERVER.format(seen=str(seen)), "utf-8")
    fake(f"exec python3 {server}")
    return seen


def start(settings: Settings) -> None:
    with ministack(settings):
        pytest.fail("it started")


def test_it_is_built_in() -> None:
    assert backends.load("ministack").start is ministack


def test_it_is_served_on_this_machine_with_enforcement_and_without_a_way_to_aws(
    settings: Settings, served: Path
) -> None:
    environ = {**settings.environ, "AWS_PROFILE": "production"}

    with ministack(replace(settings, environ=environ, region="eu-west-1")) as endpoint:
        assert endpoint.backend == "ministack"
        assert endpoint.url.startswith("http://127.0.0.1:")
        assert endpoint.region == "eu-west-1"

    assert served.read_text("utf-8").splitlines() == [
        "AUTH=true",
        "BIND_HOST=127.0.0.1",
        "MINISTACK_REGION=eu-west-1",
        "HTTPS_PROXY=http://127.0.0.1:9",
        "AWS_PROFILE=None",
        "AWS_EC2_METADATA_DISABLED=true",
        "IOT_MTLS_ENABLED=0",
    ]


def test_enforcement_can_be_switched_off(settings: Settings, served: Path) -> None:
    off = Settings.from_env({**settings.environ, "HARNESS_MINISTACK_AUTH": "false"}, settings.project)

    with ministack(off):
        pass

    assert "AUTH=false" in served.read_text("utf-8")


def test_a_switch_that_is_neither_true_nor_false_is_refused(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="HARNESS_MINISTACK_AUTH: expected true or false, got 'yes'"):
        Settings.from_env({**settings.environ, "HARNESS_MINISTACK_AUTH": "yes"}, settings.project)


def test_a_busy_port_is_refused_before_anything_starts(
    settings: Settings, fake: Callable[[str], None]
) -> None:
    fake("exit 1")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(BackendError, match=f"'ministack': port {port} is taken"):
            start(replace(settings, port=port))


def test_an_emulator_that_ends_early_is_an_error_with_its_last_lines(
    settings: Settings, fake: Callable[[str], None]
) -> None:
    fake("echo 'no such module'; exit 3")

    with pytest.raises(BackendError, match=r"ended with exit code 3 .*\nits last lines:\n  no such module"):
        start(settings)


def test_an_installation_that_fails_is_an_error_that_says_why(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.txt"
    broken.write_text("broken @ file:///nowhere\n", "utf-8")
    monkeypatch.setattr(module, "REQUIREMENTS", broken)

    with pytest.raises(BackendError, match=r"(?s)could not be installed; is PyPI reachable\?.*nowhere"):
        start(settings)


def test_what_is_installed_is_the_version_that_is_named() -> None:
    assert f"ministack=={module.VERSION}" in module.REQUIREMENTS.read_text("utf-8").splitlines()
