"""Other roots, whose states the main root reads: the tables `[[tool.harness.roots]]`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import SettingsError
from harness.settings import forms
from harness.settings.forms import of_form, plain, settings_of, texts, to_dashes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RootSettings:
    """Another root, whose state the main root reads: a table of `[[tool.harness.roots]]`."""

    terraform_dir: Path = field(metadata=of_form(forms.path))
    """The root's directory."""
    workspace: str = field(default="", metadata=of_form(forms.text))
    """The root's Terraform workspace. Empty for the default one."""
    var_files: tuple[Path, ...] = field(default=(), metadata=of_form(forms.paths))
    """Files with values of the root's variables."""
    variables: Mapping[str, str] = field(repr=False)
    """The root's variables, by name."""


def read_roots(given: Any, project: Path) -> tuple[RootSettings, ...]:  # noqa: ANN401 - straight from TOML
    """Read the roots from the tables.

    Raises:
        SettingsError: The value is no list of tables, or a table has an unknown key.
    """
    where = "[[tool.harness.roots]]"
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise SettingsError(where, expected="a list of tables", got=given)
    return tuple(_root(where, table, project) for table in given)


def _root(where: str, given: Mapping[str, Any], project: Path) -> RootSettings:
    table = {name.replace("-", "_"): value for name, value in given.items()}
    known = RootSettings.__slots__
    if unknown := set(table) - set(known):
        expected = f"only {', '.join(to_dashes(known))}"
        raise SettingsError(where, expected=expected, got=", ".join(to_dashes(unknown)))
    if "terraform_dir" not in table:
        raise SettingsError(where, expected="terraform-dir", got=None)
    variables = texts(f"{where} variables", table.pop("variables", {}))
    read = {
        name: settings_of(RootSettings)[name].form(where, plain(value), project)
        for name, value in table.items()
    }
    return RootSettings(variables=variables, **read)
