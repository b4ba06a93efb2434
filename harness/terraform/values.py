"""Values of input variables, in a file that only its owner can read."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

from harness.terraform import root as configuration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "harness.tfvars"
# Values of these types are taken as they are; any other value is an expression, as with `-var`:
# https://developer.hashicorp.com/terraform/language/values/variables#variables-on-the-command-line
_PRIMITIVE = frozenset({"string", "number", "bool", '"string"', '"number"', '"bool"', ""})
_ESCAPE = re.compile(r"\\(.)")
_UNKNOWN_ESCAPES = {"b": "\\u0008", "f": "\\u000c"}  # JSON's, which HCL does not have


def arguments(root: Path, values: Mapping[str, str]) -> list[str]:
    """Write `values` into a file, and return the arguments that hand it over; none if there are no values.

    Values on a command line are everybody's to see on this machine, so they are not there. The name of one
    that the root does not declare is: in a file Terraform would only warn of it.
    """
    if not values:
        return []
    declared = configuration.variables(root)
    types = {name: block.attributes.get("type", "") for name, block in declared.items()}
    lines = [f"{name} = {_expression(value, types.get(name, ''))}" for name, value in values.items()]
    file = root / FILE
    _write_privately(file, "".join(f"{line}\n" for line in lines))
    return [f"-var-file={file}", *(f"-var={name}=" for name in values if name not in declared)]


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
