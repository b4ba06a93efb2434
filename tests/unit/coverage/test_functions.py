"""The data that pytest-cov gets from functions, with invented measurements."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

pytestmark = pytest.mark.processes
BACKEND = """
from contextlib import contextmanager
from pathlib import Path
from harness import Endpoint

@contextmanager
def backend(settings):
    folder = settings.project / "emulator"
    (folder / "tools").mkdir(parents=True, exist_ok=True)
    (folder / "log").touch()
    yield Endpoint(backend="fake", url="http://127.0.0.1:9", region=settings.region, log=folder / "log")

@contextmanager
def elsewhere(settings):
    yield Endpoint(backend="elsewhere", url="http://127.0.0.1:9", region=settings.region)
"""
# Line 2 of the function runs in its process, as reported to the harness, in the given context.
TEST = """
import base64, hashlib, json, pytest
from pathlib import Path
from coverage import CoverageData

SOURCE = Path(__file__).parent / "src" / "app.py"

@pytest.mark.parametrize("number", [1, 2])
def test_it(endpoint, number):
    tools = endpoint.log.parent / "tools"
    plan = json.loads(next(tools.glob("coverage-*.json")).read_bytes())
    assert "app.py" in plan["names"]
    context = tools / plan["run"] / "context"
    data = CoverageData(no_disk=True)
    data.set_context(context.read_text() if context.exists() else "")
    if plan["branch"]:
        data.add_arcs({"/var/task/app.py": [(-1, 1), (1, number + 1)]})
    else:
        data.add_lines({"/var/task/app.py": [1, number + 1]})
    files = {"/var/task/app.py": hashlib.sha256(SOURCE.read_bytes()).hexdigest()}
    found = {"files": files, "data": base64.b64encode(data.dumps()).decode()}
    data.close(force=True)
    (tools / plan["run"] / f"{number}.found").write_text(json.dumps(found))
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.delenv("HARNESS_BACKEND", raising=False)
    pytester.makepyfile(fake=BACKEND, test_it=TEST)
    pytester.syspathinsert()
    (pytester.path / "src").mkdir()
    (pytester.path / "src" / "app.py").write_text("A = 1\nB = 2\nC = 3\nD = 4\n", "utf-8")
    return pytester


@pytest.mark.parametrize(
    "more", [("--cov-branch", "--cov-context=test"), ("-n2",)], ids=["one process", "two workers"]
)
def test_the_report_has_what_ran_in_functions(project: pytest.Pytester, more: tuple[str, ...]) -> None:
    given = ("--backend=fake:backend", "--cov=src", "--cov-report=json:told.json", "-Werror", *more)
    project.runpytest_subprocess(*given).assert_outcomes(passed=2)

    told = json.loads((project.path / "told.json").read_bytes())["files"]["src/app.py"]
    assert (told["executed_lines"], told["missing_lines"]) == ([1, 2, 3], [4])
    assert list((project.path / "emulator" / "tools").iterdir()) == []
    is_by_test = {"test_it.py::test_it[1]|run", "test_it.py::test_it[2]|run"} <= contexts(project)
    assert is_by_test == ("--cov-context=test" in more)


def contexts(project: pytest.Pytester) -> set[str]:
    with closing(sqlite3.connect(project.path / ".coverage")) as data:
        return {name for (name,) in data.execute("SELECT context FROM context")}


def test_a_run_without_coverage_measures_nothing(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_it="def test_it(endpoint): assert not list((endpoint.log.parent / 'tools').iterdir())"
    )
    project.runpytest_subprocess("--backend=fake:backend", "--cov", "--no-cov").assert_outcomes(passed=1)


def test_a_backend_that_can_t_measure_is_told(project: pytest.Pytester) -> None:
    project.makepyfile(test_it="def test_it(endpoint): pass")
    result = project.runpytest_subprocess("--backend=fake:elsewhere", "--cov=.")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["coverage: functions are not measured on the backend elsewhere"])


@pytest.mark.parametrize(("source", "is_told"), [("js", True), ("src", False)])
def test_wanted_sources_that_can_t_be_bundled_are_told(
    project: pytest.Pytester, source: str, *, is_told: bool
) -> None:
    project.makepyfile(test_it="def test_it(endpoint): pass")
    package = {"kind": "nodejs", "source": "js", "entry": "index.ts", "output": "a.zip"}
    lines = [f"{name} = {json.dumps(value)}" for name, value in package.items()]
    project.makepyprojecttoml("\n".join(["[tool.harness.package]", *lines]))
    (project.path / "js").mkdir()
    result = project.runpytest_subprocess("--backend=fake:backend", f"--cov={source}")

    result.assert_outcomes(passed=1)
    note = "coverage: js/index.ts is not measured: "
    assert (note in result.stdout.str()) is is_told
