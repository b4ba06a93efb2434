"""The tables of the reference are complete: every setting, option, fixture, marker and command."""

from __future__ import annotations

import ast
import re
from itertools import takewhile
from pathlib import Path

import pytest

import harness
from harness import Settings, plugin
from harness.aws import capabilities
from harness.cli import main
from harness.settings.forms import settings_of, variable_of
from scripts import fidelity_docs, settings_docs
from tests.docs.snippets import PROJECT, collected
from tests.unit.test_layers import APART, HOME, WINGS

MOST_FIXTURES = 8


def rows(page: str, heading: str) -> dict[str, list[str]]:
    """Return the first table below a heading: the code in its first column, with the other columns."""
    text = (PROJECT / "docs" / page).read_text("utf-8").partition(f"{heading}\n")[2]
    table = re.search(r"(?ms)^\|.*?\|\n\n", text)
    assert table is not None
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[0].splitlines()]
    return {row[0].strip("`"): row[1:] for row in cells if row[0].startswith("`")}


def test_every_setting_is_there_as_its_class_declares_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert settings_docs.main(["--check"]) == 0, capsys.readouterr().err

    told = rows("reference/settings.md", "# Settings")
    default = Settings.from_env({"HOME": "/home/somebody"}, PROJECT / "nowhere")
    assert set(told) == {variable_of(name) for name in settings_of(Settings)}
    for name in ("backend", "region", "port", "image", "lambda_executor", "terraform", "name_variable"):
        assert told[variable_of(name)][0] == f"`{getattr(default, name)}`"


def test_the_tables_of_fidelity_are_those_of_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert fidelity_docs.main(["--check"]) == 0, capsys.readouterr().err


def test_a_table_that_differs_from_its_class_is_written_anew() -> None:
    text = settings_docs.PAGE.read_text("utf-8")

    stale = text.replace("| The AWS region. |", "| Nothing. |")

    assert stale != text
    assert settings_docs.updated(stale) == text


def test_every_option_of_the_plugin_is_there() -> None:
    parser = pytest.Parser(_ispytest=True)
    plugin.pytest_addoption(parser)
    options = {name for group in parser._groups for option in group.options for name in option.names()}

    assert {name.split()[0] for name in rows("reference/pytest.md", "## Options")} == options


def test_every_fixture_of_the_plugin_is_there_with_its_scope() -> None:
    documented = {name: row[0] for name, row in rows("reference/pytest.md", "## Fixtures").items()}

    assert documented == dict(_fixtures())
    assert len(documented) <= MOST_FIXTURES


def test_every_marker_and_capability_is_there() -> None:
    told = {name.partition("(")[0] for name in rows("reference/pytest.md", "## Markers")}
    text = (PROJECT / "docs" / "reference" / "pytest.md").read_text("utf-8")

    assert told == {marker.partition("(")[0] for marker in plugin._MARKERS}
    assert [name for name in capabilities.PROBES if f"`{name}`" not in text] == []


def test_every_command_is_there() -> None:
    group = main.app

    told = rows("how-to/command-line.md", "# Work from the command line")

    assert {name.removeprefix("harness ") for name in told} == set(group.commands)


def test_every_module_of_the_library_that_tests_call_is_in_the_reference() -> None:
    pages = "".join(page.read_text("utf-8") for page in (PROJECT / "docs" / "reference").glob("*.md"))

    assert [module for module in set(harness._HOMES.values()) if f"::: {module}" not in pages] == []


def _picture() -> str:
    (picture,) = (
        one for one in collected() if one.page == "docs/architecture.md" and "plugin.py" in one.code
    )
    return picture.code


def test_the_picture_of_the_house_has_its_wings_from_the_top_down() -> None:
    tops = [line.split()[0] for line in _picture().splitlines() if not line.startswith(" ")]

    wings = list(dict.fromkeys(wing.partition(".")[0] for wing in WINGS if wing not in APART))
    assert [name.removesuffix(".py").rstrip("/") for name in tops] == wings[::-1]


@pytest.mark.parametrize("wing", [wing for wing in WINGS if (HOME / wing.replace(".", "/")).is_dir()])
def test_the_picture_of_the_house_has_every_room(wing: str) -> None:
    *above, name = wing.split(".")
    indent = "  " * len(above)
    inside = _picture().partition(f"\n{indent}{name}/")[2]
    rooms = takewhile(lambda line: line.startswith(f"{indent}  "), inside.splitlines()[1:])
    named = {word for line in rooms for word in line.split()}

    folder = HOME / wing.replace(".", "/")
    assert {file.stem for file in folder.glob("*.py")} - {"__init__"} <= named


def test_the_places_where_to_change_something_exist() -> None:
    text = (PROJECT / "docs" / "architecture.md").read_text("utf-8").partition("### Where do I change …")[2]
    named = re.findall(r"`(harness/[^`]*)`", text.partition("\n\nEach outside tool")[0])

    assert len(named) >= 12
    assert [name for name in named if not (PROJECT / name).exists()] == []


def _fixtures() -> list[tuple[str, str]]:
    """Return the fixtures that the plugin defines, and their scopes."""
    source = ast.parse(Path(plugin.__file__).read_text("utf-8"))
    return [
        (node.name, "session" if "'session'" in ast.unparse(decorator) else "function")
        for node in source.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        for decorator in node.decorator_list
        if ast.unparse(decorator).startswith("pytest.fixture")
    ]
