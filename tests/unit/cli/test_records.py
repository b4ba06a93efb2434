from __future__ import annotations

import json

import click
import pytest

from harness.aws.logs import LogEvent
from harness.cli import records

POWERTOOLS = {
    "level": "WARNING",
    "location": "handler:51",
    "message": "recorded",
    "timestamp": "2026-11-30 00:37:30,877+0000",
    "cold_start": True,
    "result": {"key": "a"},
    "count": 2,
}


def shown(message: str) -> str:
    """Return a record without its time."""
    text = records.line("greet", LogEvent(stream="s", at=0.0, message=message), width=8)
    return click.unstyle(text).partition(" ")[2]


@pytest.mark.parametrize(
    "message",
    [
        "START RequestId: 1 Version: 7",
        "END RequestId: 1",
        "REPORT RequestId: 1\tDuration: 3 ms",
        "INIT_START Runtime Version: python:3.13",
        '{"time":"t","type":"platform.start","record":{"requestId":"1"}}',
        '{"_aws":{"Timestamp":1,"CloudWatchMetrics":[]},"Events":[1.0]}',
    ],
)
def test_what_is_not_the_functions_own_is_known(message: str) -> None:
    assert records.is_of_platform(message)


@pytest.mark.parametrize(
    "message",
    [
        "hello",
        "START of it",
        json.dumps(POWERTOOLS),
        "2026 1 Task timed out after 3.00 seconds",
        "[ERROR] x: y",
    ],
)
def test_what_is_its_own_is_not_left_out(message: str) -> None:
    assert not records.is_of_platform(message)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("hello\n", "greet    hello"),
        ("[INFO]\t2026-11-30T00:37:30.877Z\t44c66164\thello", "greet    INFO  hello"),
        ("2026-11-30T00:37:30.877Z\t44c66164\tWARN\thello\nworld", "greet    WARN  hello\n    world"),
        (json.dumps(POWERTOOLS), 'greet    WARNING recorded result={"key": "a"} count=2'),
        ('{"msg": {"a": 1}}', 'greet    {"a": 1}'),
        ('{"a": 1}', 'greet    {"a": 1}'),
        ("{not json", "greet    {not json"),
        ("[ERROR] KeyError: 'a'\nTraceback", "greet    [ERROR] KeyError: 'a'\n    Traceback"),
    ],
)
def test_a_record_is_a_line(message: str, line: str) -> None:
    assert shown(message) == line


def test_the_traceback_of_a_structured_record_is_below_it() -> None:
    trace = "Traceback\n  x.py:1\nKeyError"

    assert shown(json.dumps({"level": "ERROR", "message": "no", "exception": trace})) == (
        "greet    ERROR no\n    Traceback\n      x.py:1\n    KeyError"
    )


def test_a_function_keeps_its_colour() -> None:
    event = LogEvent(stream="s", at=0.0, message="x")
    first, again, other = (records.line(name, event, 1).partition(name)[0] for name in ("a", "a", "b"))

    assert first == again != other
