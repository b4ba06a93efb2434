"""Run or check every snippet of README.md and docs/ that needs no emulator. Exceptions state their reason."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest
import yaml  # type: ignore[import-untyped]
from coverage import Coverage

from harness import Settings
from harness.functions import debugger
from tests.docs.commands import commands, complaints
from tests.docs.reader import added, ran, written
from tests.docs.snippets import PICTURES, PROJECT, collected, documents, snippets

if TYPE_CHECKING:
    from pathlib import Path

    from tests.docs.snippets import Snippet

SNIPPETS = collected()
# The most snippets that a reader may have to check by hand.
MOST_EXCUSES = 3
LANGUAGES = {"hcl", "json", "python", "sh", "toml", "yaml"} | PICTURES
# Commands that are quick and change nothing outside of the folder they run in, so they are carried out.
CARRIED_OUT = {
    "harness doctor",
    "harness doctor --json",
    "harness package",
}


def of(language: str) -> list[Snippet]:
    return [snippet for snippet in SNIPPETS if snippet.language == language and not snippet.excuse]


def each(snippets: list[Snippet]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("snippet", snippets, ids=lambda snippet: snippet.name)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Provide the project that a reader of the tutorial has."""
    return written(tmp_path)


def test_every_block_has_a_language_that_something_checks() -> None:
    assert [snippet.name for snippet in SNIPPETS if snippet.language not in LANGUAGES] == []


def test_few_blocks_are_excused_and_each_says_why() -> None:
    excuses = {snippet.name: snippet.excuse for snippet in SNIPPETS if snippet.excuse}

    assert len(excuses) <= MOST_EXCUSES, excuses
    assert all(len(excuse.split()) > 2 for excuse in excuses.values()), excuses


@pytest.mark.parametrize("document", documents(), ids=lambda file: file.name)
def test_no_code_hides_in_an_indented_block(document: Path) -> None:
    text = re.sub(r"(?ms)^(```+).*?^\1$", "", document.read_text("utf-8"))
    text = re.sub(r"(?ms)^<svg.*?^</svg>$", "", text)
    after_blank = re.findall(r"(?m)^\n {4,}\S.*$", text)

    assert [line for line in after_blank if not re.match(r"\s+(options:|[-*\d])", line)] == []


def test_no_command_is_passed_off_as_a_picture() -> None:
    lines = [line for one in SNIPPETS if one.language in PICTURES for line in one.code.splitlines()]

    assert lines
    assert [line for line in lines if line.startswith("$ ")] == []


@each(of("sh"))
def test_every_command_option_and_file_of_a_shell_block_exists(snippet: Snippet) -> None:
    assert complaints(snippet.code) == []


@each(of("sh"))
def test_every_shell_block_is_a_script(snippet: Snippet) -> None:
    done = subprocess.run(
        ["bash", "-n"], input=snippet.code, capture_output=True, text=True, check=False, timeout=10
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", sorted(CARRIED_OUT))
def test_a_quick_command_does_what_it_is_said_to(command: str, project: Path) -> None:
    documented = {" ".join(words) for snippet in of("sh") for words in commands(snippet.code)}
    assert command in {text.removeprefix("uv run ") for text in documented}

    done = ran(project, *command.split())

    assert done.returncode == 0, done.stdout + done.stderr
    if command.endswith("--json"):
        assert json.loads(done.stdout)["ready"] is True


@each([snippet for snippet in of("toml") if "[tool.coverage." in snippet.code])
def test_coverage_reads_its_table_and_loads_the_plugin(snippet: Snippet, tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(snippet.code, "utf-8")

    made = Coverage(config_file=str(file), data_file=None, messages=False)
    with made.collect():
        pass

    assert made.get_option("run:plugins") == tomllib.loads(snippet.code)["tool"]["coverage"]["run"]["plugins"]


@each([snippet for snippet in of("toml") if "[tool.coverage." not in snippet.code])
def test_a_settings_table_is_one_that_the_harness_reads(snippet: Snippet, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(snippet.code, "utf-8")
    table = tomllib.loads(snippet.code)["tool"]["harness"]

    settings = Settings.from_env({}, tmp_path)

    assert bool(settings.every_package) == ("package" in table)
    assert set(settings.variables) == set(table.get("variables", {}))


@each(of("hcl"))
def test_a_terraform_block_is_formatted_and_parses(snippet: Snippet) -> None:
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", "-"],
        input=snippet.code,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@each(of("json"))
def test_a_launch_configuration_attaches_where_a_function_waits(snippet: Snippet) -> None:
    (launch,) = json.loads(snippet.code)["configurations"]

    python, nodejs = launch.get("connect", {}), (launch.get("address"), launch.get("port"))
    attached = {"debugpy": (python.get("host"), python.get("port")), "node": nodejs}
    assert launch["request"] == "attach"
    assert attached[launch["type"]] == ("127.0.0.1", debugger.PORT)


@each(of("yaml"))
def test_a_workflow_runs_commands_that_exist(snippet: Snippet) -> None:
    jobs = yaml.safe_load(snippet.code)["jobs"].values()
    runs = [step["run"] for job in jobs for step in job["steps"] if "run" in step]

    assert runs
    assert [complaint for run in runs for complaint in complaints(_without_expressions(run))] == []


@each([snippet for snippet in of("python") if snippet.is_tests and not snippet.needs_stack])
def test_tests_that_need_no_stack_pass(snippet: Snippet, project: Path) -> None:
    shutil.rmtree(project / "tests")
    (project / "tests").mkdir()
    files = added(project, [snippet])

    done = ran(project, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, files))

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(snippet.tests)} passed" in done.stdout


@each([snippet for snippet in of("python") if snippet.shown])
def test_what_is_shown_of_the_code_is_the_code(snippet: Snippet) -> None:
    source = (PROJECT / snippet.shown).read_text("utf-8")
    without_docstrings = re.sub(r'(?ms)^ *""".*?"""\n', "", source)

    assert snippet.code.strip() in without_docstrings


@each(of("python"))
def test_every_python_block_is_run_by_some_test(snippet: Snippet) -> None:
    """Every block is run by these tests or by those of `test_snippets_e2e`."""
    ways = [
        bool(snippet.title),
        bool(snippet.shown),
        snippet.is_tests and not snippet.title,
        snippet.is_program,
    ]

    assert sum(ways) == 1


def test_a_block_is_read_with_its_comments_and_title() -> None:
    text = '<!-- not run: it is too far -->\n<!-- on: the moon -->\n\n```sh title="go.sh"\ngo\n```\n'

    (snippet,) = snippets("a.md", text)

    assert (snippet.name, snippet.language, snippet.title, snippet.code) == ("a.md:4", "sh", "go.sh", "go\n")
    assert (snippet.excuse, snippet.root) == ("it is too far", "the moon")


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("harness doktor", "harness has no command doktor"),
        ("uv run harness doctor --jsn", "harness has no option --jsn"),
        ("harness --backnd=host up", "harness has no option --backnd"),
        ("harness --backend host upp", "harness has no command upp"),
        ("cd docs && .venv/bin/nox -s nothing", "nox has no session nothing"),
        ("nox -s e2e -- --backnd=host", "pytest has no option --backnd=host"),
        ("cd terraform/env/nowhere", "no folder is called terraform/env/nowhere"),
        ("pytest tests/nothing.py", "no file is called tests/nothing.py"),
        ("terraform apply -aut-approve", "terraform apply has no option -aut-approve"),
        ("export HARNESS_BAKCEND=host", "no setting is called HARNESS_BAKCEND"),
        ("HARNESS_PORTS=1 harness doctor", "no setting is called HARNESS_PORTS"),
        ("pip install 'terraform-lambda-harness[dockr]'", "no extra is called dockr"),
        ("python -m scripts.nothing", "no module is called scripts.nothing"),
        ("aws events put-evnts", "aws events has no operation put-evnts"),
        ("aws events put-events --entrys x", "aws events put-events has no option --entrys"),
        ("x=$(images/localstack/bild)", "nobody checks `images/localstack/bild`"),
        ("cd docs && rm -rf build", "nobody checks `rm`"),
    ],
)
def test_a_wrong_command_is_found(command: str, complaint: str) -> None:
    assert complaint in complaints(command)


def _without_expressions(run: str) -> str:
    return re.sub(r"\$\{\{.*?\}\}", "EXPRESSION", run)
