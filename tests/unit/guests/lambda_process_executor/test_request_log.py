from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from lambda_process_executor.request_log import MOST_BYTES, Call, RequestLog

from harness.aws.calls import calls_in

if TYPE_CHECKING:
    from pathlib import Path

CALL = Call(begun=1.5, seconds=0.002, by="terraform", service="s3", operation="ListBuckets")


def test_the_harness_reads_what_the_emulator_writes(tmp_path: Path) -> None:
    log = RequestLog(tmp_path / "log")
    call = Call(
        begun=1_800_000_000.25,
        seconds=0.0123456,
        by="function:reader",
        request_id="one",
        service="s3",
        operation="GetObject",
        region="eu-north-1",
        account="000000000000",
        resources=("arn:aws:s3:::b/k",),
        status=404,
        error="NoSuchKey",
        source="events",
    )
    log.note(call)

    (read,) = calls_in(log.read(0).decode().splitlines())

    assert (read.time.timestamp(), read.ms) == (1_800_000_000.25, 12.346)
    for name in ("by", "request_id", "service", "operation", "region", "account", "error", "source"):
        assert getattr(read, name) == getattr(call, name)
    assert (read.resources, read.status, read.succeeded) == (("arn:aws:s3:::b/k",), 404, False)


def test_the_first_line_names_format_and_version_and_empty_fields_are_left_out(tmp_path: Path) -> None:
    log = RequestLog(tmp_path / "log")
    log.note(CALL)

    header, line = log.read(0).splitlines()

    assert json.loads(header) == {"format": "harness-request-log", "version": 1}
    assert set(json.loads(line)) == {"time", "ms", "by", "service", "operation", "status"}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"a": "\xc3\xa5"}', '{"a": "å"}'),
        (b"", ""),
        (b"\xff\xfe", ""),  # no text
        (b"x" * MOST_BYTES, "x" * MOST_BYTES),
        (b"x" * (MOST_BYTES + 1), ""),
    ],
)
def test_a_body_is_whole_or_left_out(tmp_path: Path, body: bytes, text: str) -> None:
    log = RequestLog(tmp_path / "log")
    log.note(replace(CALL, request=body, response=body))

    (read,) = calls_in(log.read(0).decode().splitlines())

    assert (read.request, read.response) == (text, text)


def test_a_reader_goes_on_where_it_stopped(tmp_path: Path) -> None:
    log = RequestLog(tmp_path / "log")
    seen = len(log.read(0))
    log.note(CALL)

    assert log.read(seen) == CALL.to_line()


def test_lines_of_many_threads_stay_whole(tmp_path: Path) -> None:
    log = RequestLog(tmp_path / "log")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(log.note, [CALL] * 2000))

    assert len(list(calls_in(log.read(0).decode().splitlines()))) == 2000
