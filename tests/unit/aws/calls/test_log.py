from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, ClassVar, override
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.aws.calls import RequestLog, calls_in
from harness.errors import BackendError
from tests.unit.aws.calls.test_call import HEADER, LINE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Emulator(BaseHTTPRequestHandler):
    text: ClassVar[str] = ""
    kind: ClassVar[str] = "application/x-ndjson"

    def do_GET(self) -> None:
        start = int(parse_qs(urlsplit(self.path).query)["from"][0])
        body = self.text.encode()[start:]
        self.send_response(200)
        self.send_header("content-type", self.kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def emulator() -> Iterator[type[Emulator]]:
    class Own(Emulator):
        url = ""

    with ThreadingHTTPServer(("127.0.0.1", 0), Own) as server:
        Own.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield Own
        server.shutdown()
        thread.join()


def log_of(emulator: type[Emulator]) -> RequestLog:
    return RequestLog("host", emulator.url)  # type: ignore[attr-defined]


def test_each_call_is_read_once_and_a_line_that_is_being_written_later(emulator: type[Emulator]) -> None:
    log = log_of(emulator)
    emulator.text = f"{HEADER}\n{LINE}\n{LINE[:20]}"
    assert len(log.calls()) == 1

    emulator.text = f"{HEADER}\n{LINE}\n{LINE}\n"

    assert len(log.calls()) == 2
    assert len(log.calls()) == 2


def test_the_longest_log_stays_where_several_workers_save_it(
    emulator: type[Emulator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    file, whole = tmp_path / "folder" / "calls.jsonl", f"{HEADER}\n{LINE}\n"
    emulator.text = whole
    log_of(emulator).save(file)
    emulator.text = f"{HEADER}\n"
    log_of(emulator).save(file)

    assert file.read_text("utf-8") == whole
    assert [each.name for each in tmp_path.rglob("*")] == ["folder", "calls.jsonl"]


BODY = '{"password": "correct horse", "n": 1}'
WITH_BODIES = json.dumps({**json.loads(LINE), "request": BODY, "response": "its pin is 4711-0815"})


def test_bodies_have_a_mark_in_place_of_each_secret(emulator: type[Emulator], tmp_path: Path) -> None:
    emulator.text = f"{HEADER}\n{WITH_BODIES}\n{LINE}\n{WITH_BODIES[:-20]}"
    log = log_of(emulator)

    before, _ = log.calls()
    log.hide(frozenset({"4711-0815"}))
    after, plain = log.calls()
    log.save(tmp_path / "calls.jsonl")

    assert before.response == "its pin is 4711-0815"
    assert after.request == '{"password": "[redacted]", "n": 1}'
    assert after.response == "its pin is [redacted]"
    assert (plain.request, plain.response) == ("", "")
    assert list(calls_in((tmp_path / "calls.jsonl").read_text("utf-8").splitlines())) == [after, plain]


def test_the_file_of_an_earlier_run_is_none_of_this_one(pytester: pytest.Pytester) -> None:
    file = pytester.path / "calls.jsonl"
    file.write_text(f"{HEADER}\n", "utf-8")
    pytester.makepyfile("def test_it(): pass")

    pytester.runpytest_subprocess("--request-log=calls.jsonl")

    assert not file.exists()


def test_an_emulator_without_a_log_is_told_as_that(emulator: type[Emulator]) -> None:
    emulator.kind = "text/html"

    with pytest.raises(BackendError, match="keeps no request log"):
        log_of(emulator).calls()


def test_real_aws_keeps_none() -> None:
    with pytest.raises(BackendError, match="keeps no request log"):
        RequestLog("aws", "").calls()
