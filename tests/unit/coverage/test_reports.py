from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from harness.cli.main import app
from harness.coverage import Coverage, CoverageItem, Level, reports
from harness.coverage.reports import formats, marked
from harness.errors import HarnessError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

CREATED, UNKNOWN, USED, ASSERTED = Level


def covered(address: str, level: Level, line: int, file: str = "main.tf") -> CoverageItem:
    return CoverageItem(address=address, level=level, why="why", file=file, line=line)


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
        ["Name", "Items", "Used", "Asserted", "Unknown", "Cover", "Not", "used"],
        ["-" * 83],
        ["(in", "no", "file)", "1", "0", "0", "1", "-"],
        ["main.tf", "4", "2", "1", "1", "66%", "5"],
        ["modules/t/main.tf", "1", "0", "0", "0", "0%", "3"],
        ["-" * 83],
        ["TOTAL", "6", "2", "1", "2", "50%"],
    ]


def test_lcov_counts_used_resources_by_line_and_leaves_out_what_is_unknown() -> None:
    first, second = formats.lcov(COVERAGE).split("end_of_record\n")[:2]

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

    assert there.merged([covered("a", other, 1)]).items == (covered("a", merged, 1),)


@pytest.mark.parametrize("wrong", ["lcov", "lcov:", "xml:file", ""])
def test_a_report_of_another_form_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsError, match="expected html:FILE or lcov:FILE or cobertura:FILE or json:FILE"):
        reports.check(wrong)


def test_a_report_makes_its_folder(tmp_path: Path) -> None:
    reports.write(COVERAGE, "lcov", tmp_path / "new" / "lcov.info", tmp_path)

    assert (tmp_path / "new" / "lcov.info").read_text("utf-8") == formats.lcov(COVERAGE)


def test_cobertura_has_the_same_lines_by_folder_and_file() -> None:
    whole = ET.fromstring(formats.cobertura(COVERAGE))  # noqa: S314 - our own

    assert (whole.get("lines-covered"), whole.get("lines-valid"), whole.get("line-rate")) == (
        "2",
        "3",
        "0.6667",
    )
    assert {
        (package.get("name"), each.get("filename"), line.get("number"), line.get("hits"))
        for package in whole.iter("package")
        for each in package.iter("class")
        for line in each.iter("line")
    } == {
        (".", "main.tf", "1", "1"),
        (".", "main.tf", "5", "1"),
        ("modules/t", "modules/t/main.tf", "3", "0"),
    }


def test_the_page_marks_each_line_by_the_lowest_level_there(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(
        'resource "a" "a" {\n}\n\n\nresource "<q>" "q" {\n}\n\n\n# p\n', "utf-8"
    )

    page = marked.html(COVERAGE, tmp_path)

    rows = re.findall(r'<tr class="(\w+)"><td class="num">(\d*)</td>', page)
    assert rows == [
        ("unknown", ""),  # in no file
        ("asserted", "1"),
        ("created", "5"),
        ("unknown", "9"),
        ("created", "3"),  # of a file that is gone
    ]
    assert "resource &#34;&lt;q&gt;&#34;" in page
    assert "Coverage of Terraform: 50 %" in page


def test_reports_of_several_runs_are_one_and_another_file_is_refused(tmp_path: Path) -> None:
    files = [tmp_path / "one.json", tmp_path / "other.json"]
    reports.write(Coverage((covered("a", CREATED, 1), covered("b", USED, 2))), "json", files[0], tmp_path)
    reports.write(Coverage((covered("a", ASSERTED, 1), covered("c", CREATED, 3))), "json", files[1], tmp_path)

    levels = {each.address: each.level for each in reports.merge(files).items}

    assert levels == {"a": ASSERTED, "b": USED, "c": CREATED}
    files[1].write_text("{}", "utf-8")
    with pytest.raises(
        HarnessError, match=r"other\.json: expected a report that `pytest --iac-coverage-report"
    ):
        reports.merge(files)


def test_the_command_merges_writes_and_fails(tmp_path: Path) -> None:
    file, page = tmp_path / "one.json", tmp_path / "page.html"
    reports.write(COVERAGE, "json", file, tmp_path)
    command = ["coverage", str(file)]

    told = CliRunner().invoke(app, [*command, f"--report=html:{page}"])
    assert told.exit_code == 0
    assert told.output.splitlines() == reports.table(COVERAGE)
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")
    failed = CliRunner().invoke(app, [*command, "--fail-under=51"])
    assert (failed.exit_code, "expected 51 % at least, got 50.00 %" in failed.output) == (1, True)
    assert CliRunner().invoke(app, [*command, "--report=pdf:x"]).exit_code == 1
