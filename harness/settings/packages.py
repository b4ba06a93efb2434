"""How Lambda zips are built: the tables `[tool.harness.package]` and `[tool.harness.package.NAME]`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import SettingsError
from harness.settings import forms
from harness.settings.forms import of_form, settings_of, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSettings:
    """How a Lambda zip is built: the table `[tool.harness.package]`, or `[tool.harness.package.NAME]`."""

    name: str = ""
    """The NAME of the table. Empty for `[tool.harness.package]` itself."""
    source: Path = field(metadata=of_form(forms.path))
    """Python: the package directory, which goes into the zip under its name. If it has no `__init__.py`, its
    files go to the root of the zip. Node.js: the directory with `package.json` and `package-lock.json`, whose
    files go into the zip under their relative paths.
    """
    output: Path = field(metadata=of_form(forms.path))
    """The zip."""
    variable: str = field(default="lambda_zip", metadata=of_form(forms.text))
    """The Terraform variable for the zip's path. By default `NAME_zip` if the table has a name."""
    kind: str = field(default="python", metadata=of_form(forms.one_of("python", "nodejs")))
    """`python` or `nodejs`."""
    architecture: str = field(default="x86_64", metadata=of_form(forms.one_of("x86_64", "arm64")))
    """The function's processor, `x86_64` or `arm64`. The harness chooses dependencies for it."""
    python: str = field(default="3.13", metadata=of_form(forms.version(r"3\.\d+", "3.13"), kind="python"))
    """The function's Python version. The harness chooses wheels for it."""
    group: str = field(default="", metadata=of_form(forms.text, kind="python"))
    """A dependency group of `pyproject.toml`, installed from `uv.lock`. Empty for none."""
    requirements: Path | None = field(default=None, metadata=of_form(forms.path, kind="python"))
    """A requirements file. You can't combine it with `group`."""
    nodejs: str = field(default="22", metadata=of_form(forms.version(r"\d+", "22"), kind="nodejs"))
    """The function's Node.js version. esbuild writes code for it."""
    entry: str = field(default="", metadata=of_form(forms.text, kind="nodejs"))
    """The module, relative to `source`, that esbuild bundles with its imports into one file. Without it, the
    zip holds the folder and its `node_modules`.
    """

    @property
    def table(self) -> str:
        """The table of `pyproject.toml` that describes the package."""
        return _table_of(self.name)


def read_packages(given: Any, project: Path) -> list[PackageSettings]:  # noqa: ANN401 - straight from TOML
    """Return the package in the table itself, if there is one, and those in its subtables.

    Raises:
        SettingsError: A table lacks a key, has an unknown one, or clashes with another table.
    """
    if given is None:
        return []
    if not isinstance(given, dict):
        raise SettingsError(_table_of(""), expected="a table", got=given)
    named = {name: table for name, table in given.items() if isinstance(table, dict)}
    own = {name: value for name, value in given.items() if name not in named}
    tables = {**({"": own} if own or not named else {}), **named}
    packages = [_package(name, table, project) for name, table in tables.items()]
    for setting in ("variable", "output"):
        _check_distinct(packages, setting)
    return packages


def _package(name: str, table: Mapping[str, Any], project: Path) -> PackageSettings:
    where, given, settings = _table_of(name), texts(_table_of(name), table), settings_of(PackageSettings)
    kind = settings["kind"].form(f"{where} kind", given.get("kind", "python"), project)
    known = [key for key, setting in settings.items() if setting.kind in {"", kind}]
    if unknown := set(given) - set(known):
        expected = f"only {', '.join(known)}"
        raise SettingsError(where, expected=expected, got=", ".join(sorted(unknown)), known=known)
    if {"group", "requirements"} <= set(given):
        raise SettingsError(where, expected="group or requirements", got="both")
    if missing := {"source", "output"} - set(given):
        raise SettingsError(where, expected="source and output", got=f"no {' and no '.join(sorted(missing))}")
    if name:
        given.setdefault("variable", f"{name.replace('-', '_')}_zip")
    read = {key: settings[key].form(f"{where} {key}", value, project) for key, value in given.items()}
    return PackageSettings(name=name, **read)


def _check_distinct(packages: Iterable[PackageSettings], setting: str) -> None:
    first: dict[object, PackageSettings] = {}
    for package in packages:
        value = getattr(package, setting)
        if (other := first.setdefault(value, package)) is not package:
            expected = f"another {setting} than that of {other.table}"
            raise SettingsError(f"{package.table} {setting}", expected=expected, got=str(value))


def _table_of(package: str) -> str:
    return f"[tool.harness.package.{package}]" if package else "[tool.harness.package]"
