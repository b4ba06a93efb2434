"""Write the tables of settings into their page of the documentation, from the classes that declare them.

`--check` changes nothing and fails if a table is out of date.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from harness.settings import PackageSettings, Settings
from harness.settings.forms import settings_of, variable_of
from scripts import pages

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "settings.md"


def main(arguments: list[str] | None = None) -> int:
    """Update or check the page, and return the exit code."""
    return pages.update(PAGE, updated, arguments, script="settings_docs", description=__doc__)


def updated(page: str) -> str:
    """Return the page with fresh tables."""
    tables = {
        "Settings": table(Settings, "setting", {name: variable_of(name) for name in settings_of(Settings)}),
        "PackageSettings": table(
            PackageSettings, "key", {name: name for name in settings_of(PackageSettings)}
        ),
    }
    return pages.replace_tables(page, tables, script="settings_docs")


def table(declared: type[DataclassInstance], head: str, names: dict[str, str]) -> str:
    """Render the settings of a class as Markdown, in the order of its fields.

    Args:
        declared: The class.
        head: The head of the first column.
        names: The user's name for each setting, by field name.
    """
    meanings, settings = docstrings(declared), settings_of(declared)
    lines = [f"| {head} | default | meaning |", "|---|---|---|"]
    for field in dataclasses.fields(declared):
        if setting := settings.get(field.name):
            default = setting.default or _text(field.default)
            lines.append(f"| `{names[field.name]}` | {default and f'`{default}`'} | {meanings[field.name]} |")
    return "\n".join(lines) + "\n"


def docstrings(declared: type) -> dict[str, str]:
    """Return the docstring below each field of a class, in one line.

    Raises:
        KeyError: On a look-up of a field that has none.
    """
    tree = ast.parse(inspect.getsource(declared))
    body = next(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    return {
        field.target.id: " ".join(below.value.value.split())
        for field, below in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }


def _text(default: object) -> str:
    """Return a default as a user would write it, or an empty text if there is none."""
    if default in (dataclasses.MISSING, None, "", ()):
        return ""
    return (
        str(default).lower()
        if isinstance(default, bool)
        else f"{default:g}"
        if isinstance(default, float)
        else str(default)
    )


if __name__ == "__main__":
    sys.exit(main())
