from __future__ import annotations

from harness.values import ApiResponse
from tests.parity.observations import Observed
from tests.parity.table import differences, durations, rendered

ONE = Observed({"status": "200", "encryption": "aws:kms", "here": "yes"}, {"start": 2.0})
TWO = Observed({"status": "200", "encryption": "AES256"}, {"start": 0.25, "stop": 1})


def test_only_what_differs_is_a_row_and_what_one_lacks_is_a_dash() -> None:
    assert differences({"one": ONE, "two": TWO}) == [
        ["encryption", "aws:kms", "AES256"],
        ["here", "yes", "-"],
    ]


def test_every_time_is_a_row() -> None:
    assert durations({"one": ONE, "two": TWO}) == [["start (s)", "2.00", "0.25"], ["stop (s)", "-", "1.00"]]


def test_columns_are_aligned_and_wide_cells_cut() -> None:
    text = rendered(["", "one"], [["a", "x" * 100], ["long", "y"]])

    assert text.splitlines()[:2] == ["      one", f"----  {'-' * 64}"]
    assert text.splitlines()[2] == f"a     {'x' * 63}…"
    assert text.splitlines()[3] == "long  y"


def test_of_what_no_two_runs_have_the_same_only_the_presence_is_noted() -> None:
    seen = Observed()

    headers = {"Date": "now", "ETag": '"1"', "Content-Type": "text/plain", "x-localstack": "true"}
    seen.note_api("API", ApiResponse(status=200, headers=headers, body=b"", elapsed=0.1))

    assert seen.answers == {
        "API": "200",
        "API: date": "(present)",
        "API: etag": "(present)",
        "API: content-type": "text/plain",
    }
