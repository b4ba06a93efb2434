from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from harness.aws.calls import Call, calls_in
from harness.errors import HarnessError

HEADER = '{"format": "harness-request-log", "version": 1}'
LINE = json.dumps(
    {"time": "2026-11-29T12:00:00+00:00", "by": "terraform", "service": "s3", "operation": "PutObject"}
)


def call(**told: object) -> Call:
    values = {"time": datetime.now(UTC), "by": "terraform", "service": "s3", "operation": "PutObject", **told}
    return Call(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "cut", ['{"time": "2026-11', "", "null", "[]", '{"by": "x"}', LINE.replace("2026", "x")]
)
def test_a_line_that_a_crash_has_cut_off_is_left_out(cut: str) -> None:
    assert [each.operation for each in calls_in([HEADER, cut, LINE])] == ["PutObject"]


def test_a_log_of_a_later_version_is_not_read_as_if_it_were_this_one() -> None:
    with pytest.raises(HarnessError, match=r"expected harness-request-log, version 1, got .* version 2"):
        list(calls_in([HEADER.replace("1}", "2}"), LINE]))


def test_a_field_that_a_later_version_adds_does_not_matter() -> None:
    assert len(list(calls_in([LINE.replace('"by"', '"colour": "red", "by"')]))) == 1


@pytest.mark.parametrize(
    ("outer", "concerns"),
    [
        ("arn:aws:s3:::b", True),
        ("arn:aws:s3:::b/k", True),
        ("arn:aws:s3:::b/k2", False),
        ("arn:aws:s3:::", False),
        ("arn:aws:s3:::bb", False),
    ],
)
def test_a_call_concerns_what_its_resource_lies_in(outer: str, concerns: bool) -> None:  # noqa: FBT001
    assert call(resources=("arn:aws:s3:::b/k",)).concerns(outer) is concerns


def test_a_call_about_a_bucket_is_none_about_one_whose_name_begins_alike() -> None:
    assert not call(resources=("arn:aws:s3:::jobs-archive",)).concerns("arn:aws:s3:::jobs")


def test_an_error_is_no_success_whatever_tells_it() -> None:
    assert call().succeeded
    assert not call(status=500).succeeded
    assert not call(error="Throttled").succeeded
