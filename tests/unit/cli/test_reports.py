from __future__ import annotations

import json
import webbrowser
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from harness.cli.main import app
from harness.report import trace_file
from harness.report.results import Run, TestResult

if TYPE_CHECKING:
    from pathlib import Path

TEST = TestResult(
    id="test_it.py::test_lost", outcome="failed", begun=1.0, seconds=1.0, message="E  no object"
)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    urls: list[str] = []

    def note(url: str) -> bool:
        urls.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", note)
    return urls


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    trace_file.write(Run(title="a project", begun=1.0, seconds=1.0, tests=(TEST,)), tmp_path / "lost.zip")
    return tmp_path / "lost.zip"


def noted(project: Path, report: object) -> None:
    """Note a report as pytest's cache does. `test_traces.py` does it with pytest."""
    file = project / ".pytest_cache" / "v" / "harness" / "report"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(report), "utf-8")


def test_a_trace_opens_as_one_page(trace: Path, opened: list[str], tmp_path: Path) -> None:
    page = tmp_path / "lost.html"

    result = CliRunner().invoke(app, ["show-trace", str(trace), "--output", str(page)])

    assert (result.exit_code, result.stdout) == (0, f"{page}\n")
    assert "test_lost" in page.read_text("utf-8")
    assert opened == [page.as_uri()]


def test_a_page_is_written_to_a_folder_of_its_own(
    trace: Path, opened: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    result = CliRunner().invoke(app, ["show-trace", str(trace), "--no-open"])

    (page,) = tmp_path.glob("harness-trace-*/lost.html")
    assert (result.stdout, opened) == (f"{page}\n", [])


def test_without_a_browser_the_address_is_told(
    trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _: False)

    result = CliRunner().invoke(app, ["show-trace", str(trace), "--output", str(tmp_path / "lost.html")])

    assert result.exit_code == 0
    assert f"found no browser; open file://{tmp_path}/lost.html in one" in result.stderr


@pytest.mark.parametrize(("name", "told"), [("none.zip", "No such file"), ("a.html", "expected a trace")])
def test_a_file_that_is_no_trace_is_an_error_of_one_line(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "a.html").write_text("<p>", "utf-8")

    result = CliRunner().invoke(app, ["show-trace", str(tmp_path / name)])

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: ")
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_last_report_of_a_project_opens_from_a_folder_in_it(
    tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "out" / "report.html"
    report.parent.mkdir()
    report.touch()
    noted(tmp_path, str(report))
    monkeypatch.chdir(report.parent)

    result = CliRunner().invoke(app, ["report"])

    assert (result.exit_code, result.stdout, opened) == (0, f"{report}\n", [report.as_uri()])


@pytest.mark.parametrize(
    ("note", "told"),
    [
        (None, "has written a report"),
        ("gone.html", "gone.html, is gone"),
        (3, "expected the path of a report"),
    ],
)
def test_without_a_report_the_way_to_one_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, note: object, told: str
) -> None:
    if note is not None:
        noted(tmp_path, note)
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(app, ["report"])

    assert result.exit_code == 1
    assert told in result.stderr
    assert "`pytest --harness-report=report.html` writes one" in result.stderr


def test_the_records_of_shards_open_as_one_report(
    tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        test = TestResult(id=f"test_{name}.py::test_it", outcome="passed", begun=1.0, seconds=1.0)
        run = Run(title="a project", begun=1.0, seconds=2.0, tests=(test,))
        trace_file.write(run, tmp_path / name / "report.zip")
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(app, ["report", "one", "two", "--output=all.html"])

    report = tmp_path / "all.html"
    assert (result.exit_code, result.stdout, opened) == (0, f"{report}\n", [report.as_uri()])
    assert all(f"test_{name}.py" in report.read_text("utf-8") for name in ("one", "two"))
