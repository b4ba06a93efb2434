from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any

import pytest

from harness.terraform.events import EventLog
from harness.terraform.watch import SILENCE, Watch

if TYPE_CHECKING:
    from pathlib import Path


def event(kind: str, address: str, **hook: Any) -> str:  # noqa: ANN401 - Terraform's JSON
    resource = {"addr": address, "resource_type": address.split(".", maxsplit=1)[0]}
    return json.dumps({"type": kind, "hook": {"resource": resource, "action": "create", **hook}})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "emulator.log"
    file.write_text("WARNING long before\n", "utf-8")
    return file


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Provide the time of `time.monotonic`, in a list of one."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_minute_of_silence_is_told_with_what_is_waited_for_and_what_the_emulator_says(
    log: Path, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "harness")
    events = EventLog()
    watch = Watch(command="apply", events=events, log=log)
    events.take(event("apply_start", "aws_kinesis_stream.a"))
    with log.open("a", encoding="utf-8") as opened:
        opened.write("ERROR kinesis-mock can't be fetched\n")

    clock[0] += SILENCE - 1
    watch.look()
    assert not caplog.messages

    events.take(event("apply_progress", "aws_kinesis_stream.a", elapsed_seconds=60))  # no news
    clock[0] += 1
    watch.look()
    watch.look()
    assert caplog.messages == [
        (
            "terraform apply: nothing new for 60 s; waiting for aws_kinesis_stream.a\n"
            "  the emulator says: ERROR kinesis-mock can't be fetched"
        )
    ]

    clock[0] += SILENCE
    watch.look()
    assert caplog.messages[1].startswith("terraform apply: nothing new for 120 s")

    events.take(event("apply_complete", "aws_kinesis_stream.a"))
    clock[0] += SILENCE - 1
    watch.look()
    assert len(caplog.messages) == 3  # the third says that it is created
    clock[0] += 1
    watch.look()
    assert caplog.messages[3].startswith("terraform apply: nothing new for 60 s; waiting for an answer")


def test_a_known_wait_of_the_provider_is_explained_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "harness")
    events = EventLog()
    for seconds in (10, 20):
        events.take(event("apply_progress", "aws_sqs_queue.a", elapsed_seconds=seconds))
        events.take(event("apply_progress", "aws_s3_bucket.a", elapsed_seconds=seconds))

    (told,) = caplog.messages
    assert "aws_sqs_queue.a: the provider waits until" in told


def test_a_data_source_and_a_refresh_are_waited_for_by_name(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "harness")
    events = EventLog()
    watch = Watch(command="plan", events=events, log=None)
    for address in ("data.aws_ami.a", "data.aws_vpc.b"):
        events.take(event("apply_start", address, action="read"))
    resource = {"addr": "aws_sqs_queue.c", "resource_type": "aws_sqs_queue"}
    events.take(json.dumps({"type": "refresh_start", "hook": {"resource": resource}}))
    events.take(event("apply_complete", "data.aws_vpc.b", action="read"))

    clock[0] += SILENCE
    watch.look()

    assert caplog.messages == [
        "terraform plan: nothing new for 60 s; waiting for data.aws_ami.a, aws_sqs_queue.c"
    ]
