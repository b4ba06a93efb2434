"""Other roots, whose states the main one reads: the tables `[[tool.harness.roots]]`."""

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
    """Another root, whose state the main one reads: a table of `[[tool.harness.roots]]`."""

    terraform_dir: Path = field(metadata=of_form(forms.path))
    """Its directory."""
    workspace: str = field(default="", metadata=of_form(forms.text))
    """Its Terraform workspace; empty for the default one."""
    var_files: tuple[Path, ...] = field(default=(), metadata=of_form(forms.paths))
    """Files with values of its variables."""
    variables: Mapping[str, str] = field(repr=False)
    """Its variables, by name."""


def read_roots(given: Any, project: Path) -> tuple[RootSettings, ...]:  # noqa: ANN401 - straight from TOML
    """Return what the tables say.

    Raises:
        SettingsError: They are none, or one of them has a key that is unknown.
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
