from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.base import emulator_log

if TYPE_CHECKING:
    from pathlib import Path

UNDELIVERED = (
    '2026-11-27T08:27:57.485  INFO --- [-functhread4] l.services.events.provider : {"ErrorCode": '
    '"TargetDeliveryFailure", "ErrorMessage": "Function not found"}'
)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("2026-11-27 08:27:48 WARNING [sns] denied", "WARNING [sns] denied"),
        ("[2026-11-27 08:27:47 +0000] [8967] [ERROR] broken", "[8967] [ERROR] broken"),
        ("2026-11-27T08:27:55.174  WARN --- [x] l.s.q : slow", "WARN l.s.q : slow"),
        (
            (
                "2026-11-27T08:27:55.174  WARN --- [et.reactor-4] l.aws.protocol.serializer  : Response "
                "object MetricAlarm contains a member which is not specified: Tags"
            ),
            None,
        ),
        (UNDELIVERED, UNDELIVERED.split("  ", 1)[1].replace("--- [-functhread4] ", "")),
        (
            "2026-11-27T08:27:56.821  INFO --- [r] l.r.aws : AWS sns.Publish => 500 (InternalError)",
            "INFO",
        ),
        ("2026-11-27T08:27:56.821  INFO --- [r] l.r.aws : AWS sns.Publish => 404 (NotFound)", None),
        ("2026-11-27 08:27:48 INFO [events] EventBridge → SQS q", None),
        ("from the WARNINGS page", None),
        ("2026-11-27T08:27:48.707Z\tr-1\tERROR\tInvoke Error \t{}", None),
        ("[WARNING]\t2026-11-27T08:27:48.707Z\tr-1\tslow", None),
        ("[ERROR] KeyError: 'size'", None),
    ],
)
def test_a_complaint_is_told_without_its_moment(line: str, told: str | None) -> None:
    found = emulator_log.complaints(f"before\n{line}\nafter")

    assert [text.startswith(told or "") for text in found] == [True] * (told is not None)


def test_each_is_told_once_and_the_last_ten_are() -> None:
    lines = [f"2026-11-27 08:00:{number:02} WARNING {number % 15}" for number in range(30)]

    assert emulator_log.complaints("\n".join(lines)) == [f"WARNING {number}" for number in range(5, 15)]


def test_what_two_threads_complain_of_is_told_once() -> None:
    lines = [f"2026-11-27T08:27:55.174  WARN --- [et.reactor-{thread}] l.s.q : slow" for thread in range(2)]

    assert emulator_log.complaints("\n".join(lines)) == ["WARN l.s.q : slow"]


def test_only_what_came_since_counts(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("WARNING before\n", "utf-8")
    offset = emulator_log.size(log)
    with log.open("a", encoding="utf-8") as opened:
        opened.write("WARNING after\n")

    assert emulator_log.complaints_since(log, offset) == ["WARNING after"]
    log.write_text("WARNING new\n", "utf-8")
    assert emulator_log.complaints_since(log, offset + 100) == ["WARNING new"]
    assert emulator_log.complaints_since(tmp_path / "none", 0) == []
    assert emulator_log.complaints_since(None, 0) == []


def test_a_log_that_has_gone_with_its_emulator_has_nothing_more(tmp_path: Path) -> None:
    assert emulator_log.since(tmp_path / "gone.log", 7, most=10) == (b"", 0)
