"""The last figures of the benchmark, compared with its goals and with the documentation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import table

DOCUMENT = Path(__file__).parents[2] / "docs" / "latest-object.md"
REPORT: dict[str, Any] = json.loads(table.REPORT.read_text("utf-8"))
OURS = sorted({row["design"] for row in REPORT["reads"] if row["design"].startswith("this design")})


def p50(design: str) -> dict[int, float]:
    return {row["objects"]: row["p50_ms"] for row in REPORT["reads"] if row["design"] == design}


@pytest.mark.parametrize("design", OURS)
def test_a_read_of_100_000_objects_takes_at_most_a_fifth_longer_than_one_of_10(design: str) -> None:
    times = p50(design)

    assert sorted(times) == [10, 1_000, 10_000, 100_000]
    assert times[100_000] <= 1.2 * times[10]


def test_a_read_is_two_calls_and_right_whatever_the_bucket_holds() -> None:
    ours = [row for row in REPORT["reads"] if row["design"] == "this design"]

    assert {(row["calls"], row["right"]) for row in ours} == {(2.0, True)}


@pytest.mark.parametrize("ratio", ["wall_ratio", "cpu_ratio"])
def test_a_cold_start_is_no_slower_than_the_plain_handlers(ratio: str) -> None:
    plain, *functions = REPORT["cold_starts"]

    assert plain["handler"] == "plain_handler"
    assert [row["handler"] for row in functions] == ["s3_lambda_api.reader", "s3_lambda_api.writer"]
    assert max(row[ratio] for row in functions) <= 1


def test_the_documented_figures_are_those_of_the_last_run() -> None:
    document = DOCUMENT.read_text("utf-8")

    assert table.reads(REPORT) in document
    assert table.cold_starts(REPORT) in " ".join(document.split())  # its lines may break anywhere


def test_what_cannot_be_counted_is_left_out_and_what_is_wrong_is_told() -> None:
    row = {"design": "x", "objects": 1000, "p50_ms": 1234.5, "calls": None, "right": False}
    other = {"design": "y", "objects": 1000, "p50_ms": 9.876, "calls": 2.0, "right": True}

    assert table.reads({"reads": [row, other]}).splitlines() == [
        "| objects | x, p50 | y, p50 |",
        "| --: | --: | --: |",
        "| 1,000 | 1,234 ms, **wrong** | 9.88 ms, 2 calls |",
    ]
