"""The snippets that need a stack, run on one: the tutorial's, or this project's own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from tests.docs.reader import added, ran, written
from tests.docs.snippets import PROJECT, THIS_SYSTEM, TUTORIAL, collected

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from harness import Settings
    from tests.docs.snippets import Snippet

ON_A_STACK = [snippet for snippet in collected() if snippet.needs_stack and not snippet.excuse]
TESTS = [snippet for snippet in ON_A_STACK if snippet.is_tests and not snippet.title]
PROGRAMS = [snippet for snippet in ON_A_STACK if snippet.is_program]
SCRIPTS = [snippet for snippet in ON_A_STACK if snippet.language == "sh"]

TUTORIALS_OWN = {
    name for snippet in ON_A_STACK if snippet.is_tests and snippet.title for name in snippet.tests
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Provide the project that a reader of the tutorial has."""
    return written(tmp_path)


def test_the_tutorial_and_the_how_tos_work_on_the_tutorials_stack(
    project: Path, harness_settings: Settings
) -> None:
    added(project, about(TUTORIAL))

    done = examined(project, harness_settings, "tests")

    expected = {name for snippet in about(TUTORIAL) for name in snippet.tests}
    assert outcomes(project, done) == dict.fromkeys(expected | TUTORIALS_OWN, "passed")


def test_the_readme_and_the_how_tos_work_on_this_projects_stack(
    tmp_path: Path, harness_settings: Settings
) -> None:
    (tmp_path / "tests").mkdir()
    files = added(tmp_path, about(THIS_SYSTEM))

    own = (f"--config-file={PROJECT / 'pyproject.toml'}", "-p", "tests.system.fixtures")
    done = examined(tmp_path, harness_settings, *map(str, files), *own, PYTHONPATH=str(PROJECT))

    expected = {name for snippet in about(THIS_SYSTEM) for name in snippet.tests}
    assert outcomes(tmp_path, done) == dict.fromkeys(expected, "passed")


@pytest.mark.parametrize("snippet", PROGRAMS, ids=lambda snippet: snippet.name)
def test_a_program_runs_to_its_end(snippet: Snippet, project: Path, harness_settings: Settings) -> None:
    program = project / "program.py"
    program.write_text(snippet.code, "utf-8")
    home = PROJECT if snippet.root == THIS_SYSTEM else project

    done = ran(home, sys.executable, str(program), backend=harness_settings.backend)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("snippet", SCRIPTS, ids=lambda snippet: snippet.name)
def test_a_script_runs_to_its_end(snippet: Snippet, project: Path, harness_settings: Settings) -> None:
    try:
        done = ran(project, "bash", "-euxo", "pipefail", "-c", snippet.code, backend=harness_settings.backend)
    finally:
        left = ran(project, "harness", "down", backend=harness_settings.backend)

    assert done.returncode == 0, done.stdout + done.stderr
    assert left.stdout == "nothing was up\n"


def about(root: str) -> list[Snippet]:
    return [snippet for snippet in TESTS if snippet.root == root]


def examined(
    folder: Path, settings: Settings, *arguments: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    kept = (f"--junitxml={folder / 'junit.xml'}", f"--artifacts={folder / 'artifacts'}")
    argv = (sys.executable, "-m", "pytest", *arguments, *kept, "-p", "no:cacheprovider")
    return ran(folder, *argv, backend=settings.backend, **environ)


def outcomes(folder: Path, done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return the outcome of each test, with the whole output if one did not pass."""
    found = dict(_told(folder / "junit.xml"))
    allowed = {name for name, outcome in found.items() if outcome == "skipped" and may_be_skipped(name)}
    failed = {name for name, outcome in found.items() if outcome != "passed"} - allowed
    if failed or not found:
        pytest.fail(f"{sorted(failed)}\n{done.stdout}{done.stderr}", pytrace=False)
    return dict.fromkeys(found, "passed")


def _told(report: Path) -> Iterator[tuple[str, str]]:
    """Yield each test of a JUnit report with its outcome. If it has several, the worst counts."""
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - pytest wrote it
        tags = {inner.tag for inner in case}
        yield (
            case.attrib["name"],
            next((bad for bad in ("error", "failure", "skipped") if bad in tags), "passed"),
        )


def may_be_skipped(test: str) -> bool:
    """Return whether the snippet of a test names a capability that the backend may lack."""
    return any("mark.requires" in snippet.code for snippet in TESTS if test in snippet.tests)
