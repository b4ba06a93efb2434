from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner
from coverage import CoverageData

from harness.cli.main import app
from harness.coverage.levels import Coverage, CoverageItem, Level
from harness.permissions.verdicts import Permissions, RolePermissions
from harness.report import trace_file
from harness.report.results import Run, TestResult

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

LINES = {"one": [1, 2], "two": [2, 3]}


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    """Write two folders, each with results of all kinds, and other files as a failed test leaves them."""
    return [written(tmp_path / name, name) for name in ("one", "two")]


def written(folder: Path, name: str) -> Path:
    test = TestResult(id=f"test_{name}.py::test_it", outcome="passed", begun=1.0, seconds=1.0)
    trace_file.write(Run(title="orders", begun=1.0, seconds=1.0, tests=(test,)), folder / "report.zip")
    (folder / "junit.xml").write_text(
        f'<testsuites><testsuite name="pytest" tests="1"><testcase classname="test_{name}" name="test_it"/>'
        "</testsuite></testsuites>",
        "utf-8",
    )
    data = CoverageData(str(folder / "coverage.data"))
    data.add_lines({"src/greeter.py": LINES[name]})
    data.write()
    level = Level.USED if name == "one" else Level.ASSERTED
    covered = Coverage((CoverageItem(address="aws_s3_bucket.this", level=level, why="read"),))
    (folder / "iac.json").write_text(covered.to_json(), "utf-8")
    role = RolePermissions(address=f"aws_iam_role.{name}")
    (folder / "roles.json").write_text(Permissions((role,)).to_json(), "utf-8")
    others = folder / "artifacts"
    others.mkdir()
    (others / "event.json").write_text('["no", "format"]', "utf-8")
    (others / "broken.json").write_text("{", "utf-8")
    (others / "cobertura.xml").write_text("<coverage/>", "utf-8")
    (others / "empty.xml").touch()
    (others / "coverage.lcov").write_text("TN:\n", "utf-8")
    return folder


def merged(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["merge", *map(str, arguments)])


def test_all_results_of_all_shards_are_merged(shards: list[Path], tmp_path: Path) -> None:
    target = tmp_path / "merged"

    result = merged(*shards, "--output", target)

    names = ("report.html", "junit.xml", "coverage.data", "iac-coverage.json", "permissions.json")
    assert result.stdout.splitlines() == [str(target / name) for name in names]
    page = (target / "report.html").read_text("utf-8")
    assert "test_one.py::test_it" in page
    assert "test_two.py::test_it" in page
    cases = ET.parse(target / "junit.xml").iter("testcase")  # noqa: S314 - just written
    assert [case.attrib["classname"] for case in cases] == ["test_one", "test_two"]
    data = CoverageData(str(target / "coverage.data"))
    data.read()
    (file,) = data.measured_files()
    assert sorted(data.lines(file) or ()) == [1, 2, 3]
    found = Coverage.from_json((target / "iac-coverage.json").read_text("utf-8"))
    assert [item.level for item in found.items] == [Level.ASSERTED]
    roles = json.loads((target / "permissions.json").read_text("utf-8"))["roles"]
    assert [role["address"] for role in roles] == ["aws_iam_role.one", "aws_iam_role.two"]


def test_the_shards_keep_their_results(shards: list[Path], tmp_path: Path) -> None:
    before = {file: file.read_bytes() for shard in shards for file in shard.rglob("*") if file.is_file()}

    merged(*shards, "--output", tmp_path / "merged")

    assert {
        file: file.read_bytes() for shard in shards for file in shard.rglob("*") if file.is_file()
    } == before


def test_a_kind_that_a_shard_lacks_is_told(shards: list[Path], tmp_path: Path) -> None:
    (shards[1] / "junit.xml").unlink()

    result = merged(*shards, "--output", tmp_path / "merged")

    assert f"{tmp_path / 'merged' / 'junit.xml'} (of 1 shards only)" in result.stdout.splitlines()


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_a_shard_without_results_is_an_error_of_one_line(
    shards: list[Path], tmp_path: Path, name: str
) -> None:
    (tmp_path / "empty").mkdir()

    result = merged(*shards, tmp_path / name, "--output", tmp_path / "merged")

    assert result.exit_code == 1
    assert f"{tmp_path / name}: expected a folder with results, found none; a shard leaves" in result.stderr
    assert not (tmp_path / "merged").exists()


def test_damaged_results_are_named(shards: list[Path], tmp_path: Path) -> None:
    (shards[0] / "junit.xml").write_text("<testsuites><testsuite>", "utf-8")

    result = merged(*shards, "--output", tmp_path / "merged")

    assert result.exit_code == 1
    assert f"{shards[0] / 'junit.xml'}: expected a JUnit file: " in result.stderr


def test_data_that_coverage_py_cannot_read_is_named(shards: list[Path], tmp_path: Path) -> None:
    file = shards[1] / "coverage.data"
    with sqlite3.connect(file) as other:
        other.execute("update coverage_schema set version = 999")
    other.close()

    result = merged(*shards, "--output", tmp_path / "merged")

    assert result.exit_code == 1
    assert f"{file}: expected data of coverage.py: " in result.stderr
