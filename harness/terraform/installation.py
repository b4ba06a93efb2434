"""The installation of `terraform init` in a root: the directories of its modules, and its providers.

It does not have to run again until its inputs change.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

from harness.terraform.hcl import declarations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.terraform.hcl.declarations import Block

_NOTE = "harness-init"
_LOCKED = re.compile(r'^provider "([^"]+)" \{\s*version\s*=\s*"([^"]+)"', re.MULTILINE)
_INDEX = re.compile(r'\[(?:\d+|"(?:[^"\\]|\\.)*")\]')


def is_whole(root: Path, given: Mapping[str, str]) -> bool:
    """Return whether `init` would find everything in `root`, unchanged since `note` was called.

    Args:
        root: The root.
        given: Its other inputs: the program, and the configuration of its command line.
    """
    note = root / ".terraform" / _NOTE
    links = (root / ".terraform" / "providers").glob("*/*/*/*/*")
    return (
        note.is_file()
        and note.read_text("utf-8") == _digest(root, given)
        and all(link.exists() for link in links)  # a plugin cache may have been emptied
    )


def has_run(root: Path) -> bool:
    """Return whether `init` has ever run in `root`."""
    return (root / ".terraform" / _NOTE).is_file()


def note(root: Path, given: Mapping[str, str]) -> None:
    """Note that `init` has just run in `root`."""
    (root / ".terraform" / _NOTE).write_text(_digest(root, given), "utf-8")


def module_folders(root: Path) -> dict[str, Path]:
    """Return the directory of each module by its path of names, such as `network.subnet`.

    The root has an empty path.
    """
    file = root / ".terraform" / "modules" / "modules.json"
    try:
        known = json.loads(file.read_text("utf-8"))["Modules"]
    except (OSError, ValueError, KeyError):  # a root without module calls has no such file
        known = []
    return {"": root} | {each["Key"]: root / each["Dir"] for each in known if each["Key"]}


def provider_versions(root: Path) -> dict[str, str]:
    """Return the versions in the lock file of `root`, by provider source such as `hashicorp/aws`."""
    file = root / ".terraform.lock.hcl"
    text = file.read_text("utf-8", "replace") if file.is_file() else ""
    return {source.partition("/")[2]: version for source, version in _LOCKED.findall(text)}


def block_of(root: Path, address: str) -> Block | None:
    """Return the block that declares the resource at an address, or None if it isn't found."""
    *path, kind, name = _INDEX.sub("", address).split(".")
    folder = module_folders(root).get(".".join(path[1::2]))
    found = declarations.blocks(folder) if folder else []
    return next((each for each in found if each.type == "resource" and each.labels == (kind, name)), None)


def _digest(root: Path, given: Mapping[str, str]) -> str:
    lock = root / ".terraform.lock.hcl"
    parts = [
        json.dumps(dict(given), sort_keys=True),
        lock.read_text("utf-8") if lock.is_file() else "",
        *(
            line
            for folder in _module_folders(root)
            for block in declarations.blocks(folder)
            for line in _needs_of(folder, block)
        ),
    ]
    return hashlib.sha256("\n".join(dict.fromkeys(parts)).encode()).hexdigest()


def _module_folders(root: Path) -> Iterator[Path]:
    """Yield the root and its modules, each directory once."""
    yield from dict.fromkeys(folder.resolve() for folder in module_folders(root).values())


def _needs_of(folder: Path, block: Block) -> Iterator[str]:
    """Yield the parts of a block that `init` depends on: a backend, a provider, a module."""
    if block.type == "terraform":
        yield f"{folder} {_one_line(block)}"
    elif block.type == "module":
        source = [block.attributes.get(name) for name in ("source", "version")]
        yield f"{folder} module {block.labels} {source}"
    elif block.type in {"resource", "data", "provider", "ephemeral"} and block.labels:
        provider = block.attributes.get("provider", "").partition(".")[0]
        yield f"{folder} {block.labels[0].partition('_')[0]} {provider}"


def _one_line(block: Block) -> str:
    """Return the content of a block in one line."""
    own = f"{block.type} {block.labels} {sorted(block.attributes.items())}"
    return f"{own} {{{' '.join(map(_one_line, block.blocks))}}}"
