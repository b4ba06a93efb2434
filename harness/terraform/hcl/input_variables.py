"""Values of input variables: checked by name, and handed over in a file that only its owner can read."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

from harness import redaction
from harness.errors import SettingsError
from harness.terraform.hcl import declarations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from harness.settings import Settings

FILE = "harness.tfvars"
TABLE = "[tool.harness.variables]"
_ENVIRONMENT = "TF_VAR_"
# https://developer.hashicorp.com/terraform/language/values/variables#variable-definitions-tfvars-files
_FILES = ("terraform.tfvars", "terraform.tfvars.json", "*.auto.tfvars", "*.auto.tfvars.json")
# Values of these types are used literally. Any other value is an expression, as with `-var`:
# https://developer.hashicorp.com/terraform/language/values/variables#variables-on-the-command-line
_PRIMITIVE = frozenset({"string", "number", "bool", '"string"', '"number"', '"bool"', ""})
_ESCAPE = re.compile(r"\\(.)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_UNKNOWN_ESCAPES = {"b": "\\u0008", "f": "\\u000c"}  # JSON's, which HCL does not have


def arguments(root: Path, values: Mapping[str, str]) -> list[str]:
    """Write `values` into a file, and return the arguments that pass it to Terraform, if there are any.

    Other users can see a command line, so it has no values. It does name variables that the root does not
    declare, because for those in a file Terraform only prints a warning.
    """
    if not values:
        return []
    declared = declarations.variables(root)
    types = {name: block.attributes.get("type", "") for name, block in declared.items()}
    lines = [f"{name} = {_expression(value, types.get(name, ''))}" for name, value in values.items()]
    file = root / FILE
    _write_privately(file, "".join(f"{line}\n" for line in lines))
    return [f"-var-file={file}", *(f"-var={name}=" for name in values if name not in declared)]


def check(settings: Settings, *, is_named: bool = False) -> None:
    """Check the names of the root's variables before anything is started for them.

    Args:
        settings: The settings with the root and the values.
        is_named: Whether the harness gives the variable of the setting `name_variable` a value.

    Raises:
        SettingsError: A value is set for an undeclared variable, or a variable without a default has no
            value.
    """
    declared = declarations.variables(settings.terraform_dir)
    for package in settings.every_package:
        _check_declared(f"{package.table} variable", package.variable, declared)
    for name in settings.variables:
        _check_declared(TABLE, name, declared)
    required = {name for name, block in declared.items() if "default" not in block.attributes}
    by_harness = {package.variable for package in settings.every_package}
    if is_named:
        by_harness.add(settings.name_variable)
    if missing := sorted(required - {*read_values(settings), *by_harness}):
        raise SettingsError(
            f"terraform variable {', '.join(map(repr, missing))}",
            expected=(
                f"a value, because it has no default: in {TABLE}, in a file of HARNESS_VAR_FILES, in "
                f"{_ENVIRONMENT}{missing[0]}, or from [tool.harness.package] if it is your functions' zip"
            ),
            got=None,
        )


def _check_declared(setting: str, name: str, declared: Mapping[str, object]) -> None:
    if name not in declared:
        expected = f"a variable of the root ({', '.join(sorted(declared)) or 'it declares none'})"
        raise SettingsError(setting, expected=expected, got=name, known=declared)


def read_values(settings: Settings) -> dict[str, str]:
    """Return the values of the root's variables, by name.

    Of the values in files, it returns only those that are plain.
    """
    return values_of(
        settings.terraform_dir, settings.environ, var_files=settings.var_files, variables=settings.variables
    )


def values_of(
    root: Path, environ: Mapping[str, str], *, var_files: Iterable[Path], variables: Mapping[str, str]
) -> dict[str, str]:
    """Return the values of a root's variables from all of their sources, by name. The last source wins.

    https://developer.hashicorp.com/terraform/language/values/variables#variable-definition-precedence
    """
    by_environ = {
        name.removeprefix(_ENVIRONMENT): value
        for name, value in environ.items()
        if name.startswith(_ENVIRONMENT)
    }
    own = [file for pattern in _FILES for file in sorted(root.glob(pattern))]
    in_files = {
        name: expression.strip('"')
        for file in (*own, *var_files)
        if file.is_file()
        for name, expression in declarations.read_assignments(file).items()
    }
    return {**by_environ, **in_files, **variables}


def secrets(root: Path, values: Mapping[str, str]) -> Iterator[str]:
    """Yield the values and defaults of sensitive variables, and of those with the name of a secret."""
    declared = declarations.variables(root)
    for name in {*declared, *values}:
        block = declared.get(name)
        is_sensitive = block is not None and "true" in {
            block.attributes.get("sensitive"),
            block.attributes.get("ephemeral"),
        }
        if is_sensitive or redaction.is_secret_name(name):
            default = block.attributes.get("default", "") if block else ""
            for expression in (values.get(name, ""), default):
                yield from _QUOTED.findall(expression) or [expression]


def _expression(value: str, declared: str) -> str:
    if declared not in _PRIMITIVE:
        return " ".join(value.splitlines())
    quoted = json.dumps(value, ensure_ascii=False)
    text = _ESCAPE.sub(lambda escape: _UNKNOWN_ESCAPES.get(escape[1], escape[0]), quoted)
    return text.replace("${", "$${").replace("%{", "%%{")


def _write_privately(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
