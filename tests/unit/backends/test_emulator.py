from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from harness import BackendError, Endpoint
from harness.backends.emulator import Program, answers, served, watched

if TYPE_CHECKING:
    from pathlib import Path

    from harness import Settings

ENDPOINT = Endpoint(backend="fake", url="http://127.0.0.1:4566", region="eu-north-1")


@dataclass
class FakeEmulator:
    how: str = ""
    looks: list[str] = field(default_factory=list)

    def ended(self) -> str:
        self.looks.append(self.how)
        return self.how

    def lines(self) -> list[str]:
        return ["last words"]


def test_a_watched_endpoint_knows_whether_its_emulator_has_ended() -> None:
    emulator = FakeEmulator()
    with watched(ENDPOINT, emulator) as endpoint:
        assert endpoint == ENDPOINT
        assert endpoint.ended() == ""
        emulator.how = "it ended with exit code 137"
        assert endpoint.ended() == "it ended with exit code 137"
        emulator.how = ""


def test_a_failure_is_itself_while_the_emulator_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.backends.emulator._AFTERLIFE", 0.0)

    with pytest.raises(ZeroDivisionError), watched(ENDPOINT, FakeEmulator()):
        _ = 1 / 0


def test_a_failure_after_the_emulators_end_is_told_as_that_end() -> None:
    with pytest.raises(BackendError, match=r"'fake': it ended with exit code 137 in mid-run") as told:
        with watched(ENDPOINT, FakeEmulator("it ended with exit code 137")):
            _ = 1 / 0

    assert told.value.log == ("last words",)
    assert isinstance(told.value.__cause__, ZeroDivisionError)


def test_an_end_that_nobody_noticed_is_an_error() -> None:
    with pytest.raises(BackendError, match="in mid-run"):
        with watched(ENDPOINT, FakeEmulator("exit code 1")):
            pass


def test_an_interrupt_is_none_of_the_emulators_business() -> None:
    with pytest.raises(KeyboardInterrupt), watched(ENDPOINT, FakeEmulator("exit code 1")):
        raise KeyboardInterrupt


SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Healthy(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

HTTPServer(("127.0.0.1", int(sys.argv[1])), Healthy).serve_forever()
"""


def test_a_served_emulator_is_healthy_and_noted_with_all_that_it_keeps(settings: Settings) -> None:
    journal, folders = settings.cache_dir / "journal", []

    def command(port: int, folder: Path, _gate: str) -> tuple[list[str], dict[str, str]]:
        folders.append(folder)
        return [sys.executable, "-S", "-c", SERVER, str(port)], dict(settings.environ)

    with served("own", settings, Program(name="fake", health="/health", command=command)) as endpoint:
        (entry,) = (json.loads(file.read_text("utf-8")) for file in journal.iterdir())
        assert (entry["what"], entry["folder"]) == ("fake", str(folders[0]))
        assert (endpoint.backend, endpoint.is_temporary, endpoint.ended()) == ("own", True, "")
        assert answers(endpoint)

    assert endpoint.ended() == "it ended with exit code -15"
    assert not folders[0].exists()
    assert list(journal.iterdir()) == []
