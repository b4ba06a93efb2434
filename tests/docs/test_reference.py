"""The reference's tables name what there is: every setting, option, fixture, marker and command."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from harness import Settings, plugin, settings
from harness.aws import capabilities
from harness.cli import main
from tests.docs.snippets import PROJECT, collected
from tests.unit.test_layers import LAYERS

# Fixtures that other fixtures are made of, and no test asks for.
INTERNAL = {"faults_proxy", "harness_source", "stack_alone", "terraform_program"}


def rows(page: str, heading: str) -> dict[str, list[str]]:
    """Return the first table below a heading: the code in its first column, with the other columns."""
    text = (PROJECT / "docs" / page).read_text("utf-8").partition(f"{heading}\n")[2]
    table = re.search(r"(?ms)^\|.*?\|\n\n", text)
    assert table is not None
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[0].splitlines()]
    return {row[0].strip("`"): row[1:] for row in cells if row[0].startswith("`")}


def test_every_setting_is_there_with_its_default() -> None:
    told = rows("reference/settings.md", "# Settings")
    default = Settings.from_env({"HOME": "/home/somebody"}, PROJECT / "nowhere")

    assert set(told) == {f"HARNESS_{name.upper()}" for name in settings._READERS}
    for name in ("backend", "region", "port", "image", "lambda_executor", "terraform", "name_variable"):
        assert told[f"HARNESS_{name.upper()}"][0] == f"`{getattr(default, name)}`"


def test_every_option_of_the_plugin_is_there() -> None:
    parser = pytest.Parser(_ispytest=True)
    plugin.pytest_addoption(parser)
    options = {name for group in parser._groups for option in group.options for name in option.names()}

    assert {name.split()[0] for name in rows("reference/pytest.md", "## Options")} == options


def test_every_fixture_of_the_plugin_is_there_with_its_scope() -> None:
    fixtures = dict(_fixtures())
    told = {name: row[0] for name, row in rows("reference/pytest.md", "## Fixtures").items()}

    assert told == {name: scope for name, scope in fixtures.items() if name not in INTERNAL}
    assert set(fixtures) >= INTERNAL


def test_every_marker_and_capability_is_there() -> None:
    told = {name.partition("(")[0] for name in rows("reference/pytest.md", "## Markers")}
    text = (PROJECT / "docs" / "reference" / "pytest.md").read_text("utf-8")

    assert told == {marker.partition("(")[0] for marker in plugin._MARKERS}
    assert [name for name in capabilities.PROBES if f"`{name}`" not in text] == []


def test_every_command_is_there() -> None:
    group: Any = typer.main.get_command(main.app)

    told = rows("how-to/command-line.md", "# Work from the command line")

    assert {name.removeprefix("harness ") for name in told} == set(group.commands)


def test_every_module_of_the_library_that_tests_call_is_in_the_reference() -> None:
    pages = "".join(page.read_text("utf-8") for page in (PROJECT / "docs" / "reference").glob("*.md"))
    public = ast.parse((PROJECT / "harness" / "__init__.py").read_text("utf-8"))
    modules = {node.module for node in public.body if isinstance(node, ast.ImportFrom)}

    assert [module for module in modules if f"::: {module}" not in pages] == []


def test_the_layers_of_the_architecture_are_those_that_are_enforced() -> None:
    (picture,) = (one for one in collected() if one.page == "docs/architecture.md" and "errors," in one.code)
    told = [name for line in picture.code.splitlines() for name in line.split("  ")[0].split(", ")]

    assert told == sorted(told, key=LAYERS.index)


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
