from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lambda_process_executor.logs import JsonPlatform, LogText, MessageDecoder, Report, TextPlatform

# Newlines end lines, and a zero byte is what tells frames from text.
TEXT = st.characters(codec="utf-8", exclude_characters="\n\0")
REPORT = Report(request_id="r", duration=0.00234, memory_size=128, max_memory=40)


def frame(message: str) -> bytes:
    data = message.encode()
    return bytes.fromhex("a55a0003") + len(data).to_bytes(4, "big") + bytes(8) + data


def decoded(data: bytes, size: int) -> list[str]:
    decoder = MessageDecoder()
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return [message for piece in pieces for message in decoder.feed(piece)] + decoder.flush()


def test_text_is_a_message_a_line() -> None:
    assert decoded(b"one\ntwo\n", 100) == ["one", "two"]


def test_a_frame_is_one_message_with_all_its_lines() -> None:
    assert decoded(frame("one\ntwo\n") + frame("three"), 100) == ["one\ntwo", "three"]


def test_text_and_frames_keep_their_order() -> None:
    assert decoded(b"before\n" + frame("framed") + b"after\n", 100) == ["before", "framed", "after"]


def test_a_line_without_an_end_comes_with_the_flush() -> None:
    decoder = MessageDecoder()

    assert decoder.feed(b"no end") == []
    assert decoder.flush() == ["no end"]
    assert decoder.flush() == []


def test_bytes_that_are_no_text_do_not_stop_the_rest() -> None:
    assert decoded(b"\xa5\xff\n" + b"\xa5\x5a\x00\x03\xff\xff\xff\xff!\nfine\n", 100)[-1] == "fine"


@given(
    parts=st.lists(st.tuples(st.booleans(), st.text(TEXT, min_size=1)), max_size=8),
    size=st.integers(1, 50),
)
def test_messages_do_not_depend_on_how_the_pipe_is_read(parts: list[tuple[bool, str]], size: int) -> None:
    data = b"".join(frame(text) if framed else f"{text}\n".encode() for framed, text in parts)

    assert decoded(data, size) == [text for _, text in parts]


def test_log_text_splits_at_newlines_into_messages_and_else_is_a_string() -> None:
    text = LogText.of(["one\ntwo", "three four"])

    assert text == "one\ntwo\nthree four\n"
    assert text.split("\n") == ["one\ntwo", "three four"]
    assert text.split() == ["one", "two", "three", "four"]


def test_text_lines_are_lambda_s() -> None:
    lines = TextPlatform()

    assert lines.start("r", "$LATEST") == "START RequestId: r Version: $LATEST"
    assert lines.end("r") == "END RequestId: r"
    assert lines.report(REPORT) == (
        "REPORT RequestId: r\tDuration: 2.34 ms\tBilled Duration: 3 ms\t"
        "Memory Size: 128 MB\tMax Memory Used: 40 MB\t"
    )
    assert lines.init_report(0.15, "error", "Runtime.Unknown") == (
        "INIT_REPORT Init Duration: 150.00 ms\tPhase: init\tStatus: error\tError Type: Runtime.Unknown"
    )


def test_a_cold_start_is_reported_and_billed() -> None:
    cold = Report(request_id="r", duration=0.002, memory_size=128, max_memory=40, init_duration=0.1)

    line = TextPlatform().report(cold)

    assert "\tInit Duration: 100.00 ms\t" in line
    assert "\tBilled Duration: 102 ms\t" in line


@pytest.mark.parametrize(("status", "kind"), [("timeout", None), ("error", "Runtime.ExitError")])
def test_json_lines_are_events(status: str, kind: str | None) -> None:
    report = Report(request_id="r", duration=1, memory_size=1, max_memory=1, status=status, error_type=kind)

    event = json.loads(JsonPlatform().report(report))

    assert event["type"] == "platform.report"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"])
    assert event["record"]["status"] == status
    assert event["record"].get("errorType") == kind
    assert event["record"]["metrics"]["billedDurationMs"] == 1000
