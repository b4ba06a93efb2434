from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.coverage import Coverage, Covered, Level, reports
from harness.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

CREATED, UNKNOWN, USED, ASSERTED = Level


def covered(address: str, level: Level, line: int, file: str = "main.tf") -> Covered:
    return Covered(address=address, level=level, why="why", file=file, line=line)


COVERAGE = Coverage(
    (
        covered("aws_s3_bucket.a", ASSERTED, 1),
        covered("aws_sqs_queue.q[0]", USED, 5),
        covered("aws_sqs_queue.q[1]", CREATED, 5),
        covered("aws_iam_role_policy.p", UNKNOWN, 9),
        covered("aws_sns_topic.t", CREATED, 3, "modules/t/main.tf"),
        covered("aws_kms_key.k", UNKNOWN, 0, ""),
    )
)


def test_the_table_has_a_row_for_each_file_and_names_the_lines_that_were_not_used() -> None:
    assert [line.split() for line in reports.table(COVERAGE)] == [
        ["Name", "Resources", "Used", "Asserted", "Unknown", "Cover", "Not", "used"],
        ["-" * 83],
        ["(in", "no", "file)", "1", "0", "0", "1", "-"],
        ["main.tf", "4", "2", "1", "1", "66%", "5"],
        ["modules/t/main.tf", "1", "0", "0", "0", "0%", "3"],
        ["-" * 83],
        ["TOTAL", "6", "2", "1", "2", "50%"],
    ]


def test_lcov_counts_used_resources_by_line_and_leaves_out_what_is_unknown() -> None:
    first, second = reports.lcov(COVERAGE).split("end_of_record\n")[:2]

    assert first == "TN:\nSF:main.tf\nDA:1,1\nDA:5,1\nLF:2\nLH:2\n"
    assert second == "TN:\nSF:modules/t/main.tf\nDA:3,0\nLF:1\nLH:0\n"


def test_json_has_every_resource_and_can_be_read_again() -> None:
    told = json.loads(COVERAGE.to_json())

    assert (told["format"], told["version"], told["percent"]) == ("harness-iac-coverage", 1, 50.0)
    assert told["total"] == {"created": 2, "unknown": 2, "used": 1, "asserted": 1}
    assert Coverage.from_json(COVERAGE.to_json()) == COVERAGE


def test_what_could_not_be_judged_is_never_green() -> None:
    assert Coverage((covered("a", UNKNOWN, 1),)).percent == 0
    assert Coverage().percent == 0
    assert [line.split()[-1] for line in reports.table(Coverage())][-1] == "-"


@pytest.mark.parametrize(
    ("one", "other", "merged"),
    [
        (CREATED, USED, USED),
        (UNKNOWN, CREATED, UNKNOWN),
        (ASSERTED, CREATED, ASSERTED),
        (UNKNOWN, USED, USED),
    ],
)
def test_of_two_workers_judgements_the_higher_holds(one: Level, other: Level, merged: Level) -> None:
    there = Coverage((covered("a", one, 1),))

    assert there.merged([covered("a", other, 1)]).resources == (covered("a", merged, 1),)


@pytest.mark.parametrize("wrong", ["lcov", "lcov:", "xml:file", ""])
def test_a_report_of_another_form_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsError, match="expected lcov:FILE or json:FILE"):
        reports.check(wrong)


def test_a_report_makes_its_folder(tmp_path: Path) -> None:
    reports.write(COVERAGE, "lcov", tmp_path / "new" / "lcov.info")

    assert (tmp_path / "new" / "lcov.info").read_text("utf-8") == reports.lcov(COVERAGE)
