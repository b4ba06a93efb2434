"""Where the block of a resource stands in the project's own Terraform files."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from harness.configuration import declarations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from harness.configuration.declarations import Block

_INDEX = re.compile(r'\[(?:\d+|"(?:[^"\\]|\\.)*")\]')
_DEEPEST = 20  # modules within modules; Terraform itself refuses one that calls itself
type Place = tuple[Path, int]


def located(addresses: Iterable[str], root: Path) -> dict[str, Place]:
    """Return file and line of the block of each resource, through modules, `count` and `for_each`.

    A resource of a module that comes from elsewhere, such as a registry, has the line of the `module` block
    that calls it. One that no file declares is left out.

    Args:
        addresses: Addresses of resources, as Terraform's state has them.
        root: The root module.
    """
    known = dict(_blocks(root, "", 0))
    places = {address: _place(_INDEX.sub("", address), known) for address in addresses}
    return {address: place for address, place in places.items() if place}


def _place(address: str, known: Mapping[str, Place]) -> Place | None:
    """Return the place of a resource's block, or of the innermost module's that is known."""
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
