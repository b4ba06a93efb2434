"""Find the blocks of resources and outputs in the project's own Terraform files."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from harness.terraform.hcl import declarations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from harness.terraform.hcl.declarations import Block

_INDEX = re.compile(r'\[(?:\d+|"(?:[^"\\]|\\.)*")\]')
_DEEPEST = 20  # modules within modules; Terraform refuses a module that calls itself
type Place = tuple[Path, int]


def places_of(addresses: Iterable[str], root: Path) -> dict[str, Place]:
    """Return file and line of the block of each resource or output, through modules, `count` and `for_each`.

    A resource in a module from elsewhere, such as a registry, gets the line of the `module` block that calls
    it. An address that no file declares is left out.

    Args:
        addresses: Addresses of resources, as Terraform's state has them, or of outputs (`output.NAME`).
        root: The root module.
    """
    known = dict(_blocks(root, "", 0))
    places = {address: _place(_INDEX.sub("", address), known) for address in addresses}
    return {address: place for address, place in places.items() if place}


def modules_of(address: str) -> list[str]:
    """Return the addresses of the `module` blocks that a resource is in, from the outermost on."""
    names = _INDEX.sub("", address).split(".")
    ends = range(2, len(names), 2)
    return [".".join(names[:end]) for end in ends if set(names[:end:2]) == {"module"}]


def place_inside(block: Place, pattern: str) -> Place:
    """Return the first line of a block that matches a pattern, or the block's own line if none does."""
    file, first = block
    begins = [each.line for each in declarations.blocks(file.parent) if each.file == file]
    end = min((line for line in begins if line > first), default=0)
    lines = file.read_text("utf-8-sig", "replace").splitlines()
    inside = enumerate(lines[first - 1 : end - 1 if end else None], first)
    return file, next((at for at, text in inside if re.search(pattern, text)), first)


def name_of(file: Path, project: Path) -> str:
    """Return the name of a file, relative to the project."""
    return file.resolve().relative_to(project.resolve(), walk_up=True).as_posix()


def _place(address: str, known: Mapping[str, Place]) -> Place | None:
    """Return the place of a resource's block, or of the innermost known module around it."""
    while address not in known and address.startswith("module."):
        shorter = ".".join(address.split(".")[:-2])
        if shorter == address:
            return None
        address = shorter
    return known.get(address)


def _blocks(folder: Path, module: str, depth: int) -> Iterator[tuple[str, Place]]:
    for block in declarations.blocks(folder):
        match block.type, block.labels:
            case "resource", (kind, name):
                yield f"{module}{kind}.{name}", (block.file, block.line)
            case "output", (name,) if not depth:
                yield f"output.{name}", (block.file, block.line)
            case "module", (name,):
                yield f"{module}module.{name}", (block.file, block.line)
                if depth < _DEEPEST and (source := _local_source(block)):
                    yield from _blocks(block.file.parent / source, f"{module}module.{name}.", depth + 1)


def _local_source(block: Block) -> str:
    try:
        source = json.loads(block.attributes.get("source", '""'))
    except ValueError:
        return ""
    return source if isinstance(source, str) and source.startswith(("./", "../")) else ""
