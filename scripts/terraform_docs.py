"""Write the tables of variables and outputs into the READMEs of the Terraform modules and environments.

The text around the tables is written by hand. `--check` changes nothing and fails if a table is out of date.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hcl2

if TYPE_CHECKING:
    from collections.abc import Sequence

BEGIN = "<!-- tables: written by scripts/terraform_docs.py -->"
END = "<!-- end of tables -->"
TERRAFORM = Path(__file__).parents[1] / "terraform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable of a module. `default` is None if there is none."""

    name: str
    description: str
    type: str
    default: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One output of a module."""

    name: str
    description: str


def main(arguments: list[str] | None = None) -> int:
    """Update or check every README, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a table is out of date")
    parser.add_argument("--root", type=Path, default=TERRAFORM, help="folder that holds modules/ and env/")
    options = parser.parse_args(arguments)
    stale = [folder for folder in documented(options.root) if not is_current(folder)]
    if options.check:
        sys.stderr.writelines(
            f"{folder}/README.md is out of date: run scripts/terraform_docs.py\n" for folder in stale
        )
        return 1 if stale else 0
    for folder in stale:
        (folder / "README.md").write_text(updated(folder), "utf-8")
    return 0


def documented(root: Path) -> list[Path]:
    """Return the modules and environments below `root`."""
    return sorted(file.parent for file in root.glob("*/*/variables.tf"))


def is_current(folder: Path) -> bool:
    """Return whether the README of `folder` has up-to-date tables."""
    readme = folder / "README.md"
    return readme.is_file() and readme.read_text("utf-8") == updated(folder)


def updated(folder: Path) -> str:
    """Return the README of `folder` with fresh tables below its own text, or below a title if it is new."""
    readme = folder / "README.md"
    text = readme.read_text("utf-8") if readme.is_file() else f"# {folder.name}\n"
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before.rstrip()}\n\n{BEGIN}\n\n{tables(folder)}\n{END}\n{after.lstrip()}"


def tables(folder: Path) -> str:
    """Render the variables and outputs of `folder` as Markdown."""
    inputs = [
        (f"`{one.name}`", one.description, _code(one.type), _default(one.default))
        for one in variables(folder)
    ]
    results = [(f"`{one.name}`", one.description) for one in outputs(folder)]
    return "\n".join(
        [
            "## Variables\n",
            _table(("Name", "Description", "Type", "Default"), inputs),
            "## Outputs\n",
            _table(("Name", "Description"), results),
        ]
    )


def variables(folder: Path) -> list[Variable]:
    """Read the variables of `folder`, in the order of its files: `variables.tf`, `variables_shared.tf`."""
    return [
        Variable(
            name=name,
            description=_text(body["description"]),
            type=_expression(body["type"]),
            default=_expression(body["default"]) if "default" in body else None,
        )
        for file in sorted(folder.glob("variables*.tf"))
        for name, body in _blocks(file, "variable")
    ]


def outputs(folder: Path) -> list[Output]:
    """Read the outputs of `folder`, in the order of the file."""
    return [
        Output(name=name, description=_text(body["description"]))
        for name, body in _blocks(folder / "outputs.tf", "output")
    ]


def _blocks(file: Path, kind: str) -> list[tuple[str, dict[str, Any]]]:
    parsed = hcl2.loads(file.read_text("utf-8"))
    return [(_text(name), body) for block in parsed.get(kind, []) for name, body in block.items()]


def _text(literal: str) -> str:
    return literal.removeprefix('"').removesuffix('"')


def _expression(value: object) -> str:
    """Turn a parsed value back into its expression."""
    match value:
        case bool():
            return str(value).lower()
        case None:
            return "null"
        case dict():
            fields = ", ".join(f"{name} = {_expression(field)}" for name, field in value.items())
            return f"{{ {fields} }}" if fields else "{}"
        case list():
            return f"[{', '.join(map(_expression, value))}]"
        case _:
            return str(value).removeprefix("${").removesuffix("}") if str(value)[:2] == "${" else str(value)


def _default(default: str | None) -> str:
    return "*required*" if default is None else _code(default)


def _code(text: str) -> str:
    return f"`{text}`"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '\\|') for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
