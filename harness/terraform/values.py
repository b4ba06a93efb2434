"""Values of input variables, in a file that only its owner can read."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from harness.terraform import root as configuration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "harness.tfvars"
# Values of these types are taken as they are; any other value is an expression, as with `-var`:
# https://developer.hashicorp.com/terraform/language/values/variables#variables-on-the-command-line
_PRIMITIVE = frozenset({"string", "number", "bool", '"string"', '"number"', '"bool"', ""})


def written(root: Path, values: Mapping[str, str]) -> list[Path]:
    """Write `values` into a file for `-var-file`, and return it; none if there are no values.

    Values on a command line are everybody's to see on this machine, so they are not there.
    """
    if not values:
        return []
    types = {name: block.attributes.get("type", "") for name, block in configuration.variables(root).items()}
    lines = [f"{name} = {_expression(value, types.get(name, ''))}" for name, value in values.items()]
    file = root / FILE
    _write_privately(file, "".join(f"{line}\n" for line in lines))
    return [file]


def _expression(value: str, declared: str) -> str:
    if declared not in _PRIMITIVE:
        return " ".join(value.splitlines())
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("${", "$${").replace("%{", "%%{")


def _write_privately(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
