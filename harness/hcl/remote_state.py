"""Roots that read each other's state: their relations, and the order of their applies."""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from harness.errors import SettingsError
from harness.hcl import declarations
from harness.hcl.scratch import module_folders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.hcl.declarations import Block
    from harness.settings import Settings

SETTING = "[[tool.harness.roots]]"
_KIND = "terraform_remote_state"
# The arguments of a backend about access to a state, not about its place.
_ACCESS = frozenset(
    {"region", "profile", "role_arn", "encrypt", "kms_key_id", "dynamodb_table", "use_lockfile"}
)


def in_order(roots: Sequence[Path]) -> list[Path]:
    """Return roots in the order that is given, but each after those whose states it reads.

    Raises:
        SettingsError: The roots read each other's states in a circle.
    """
    graph = {root: {source for _, source in readings(root, roots) if source != root} for root in roots}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as problem:
        circle = " -> ".join(root.name for root in reversed(problem.args[1]))
        expected = "roots that can be applied one after another"
        raise SettingsError(SETTING, expected=expected, got=f"a circle, {circle}") from None
    ordered: dict[Path, None] = {}

    def place(root: Path) -> None:
        for source in roots:
            if source in graph[root]:
                place(source)
        ordered[root] = None

    for root in roots:
        place(root)
    return list(ordered)


def stages(settings: Settings) -> list[Settings]:
    """Return the settings of each root, in the order in which they are applied.

    Raises:
        SettingsError: The roots read each other's states in a circle.
    """
    if not settings.roots:
        return [settings]
    by_root = {root.terraform_dir: settings.of_root(root) for root in settings.roots}
    by_root[settings.terraform_dir] = settings
    return [by_root[folder] for folder in in_order(list(by_root))]


def states_read(root: Path, states: Mapping[Path, Path]) -> dict[Path, dict[str, Path]]:
    """Return the state files that the modules of a root read.

    Args:
        root: The root.
        states: The state files of other roots, by root.

    Returns:
        For a module's directory, the state file by the name of the data source that reads it.
    """
    found: dict[Path, dict[str, Path]] = {}
    for block, source in readings(root, list(states)):
        found.setdefault(block.file.parent, {})[block.labels[1]] = states[source]
    return found


def readings(root: Path, roots: Sequence[Path]) -> list[tuple[Block, Path]]:
    """Return the blocks of a root and its modules that read another root's state, each with that root."""
    blocks = (block for folder in module_folders(root.resolve()) for block in declarations.blocks(folder))
    others = [other for other in roots if other.resolve() != root.resolve()]
    found = ((block, _writer_of(block, root, others)) for block in blocks if _reads_state(block))
    return [(block, source) for block, source in found if source is not None]


def _reads_state(block: Block) -> bool:
    return block.type == "data" and block.labels[:1] == (_KIND,)


def _writer_of(block: Block, root: Path, others: Sequence[Path]) -> Path | None:
    """Return the root whose backend has the place that a block reads from, or None."""
    wanted = declarations.texts_of(block.attributes.get("config", ""))
    if block.literal("backend") == "local":
        place = (root / wanted.get("path", "")).resolve()
        return next((other for other in others if place.is_relative_to(other.resolve())), None)
    alike = [
        (other, backend)
        for other in others
        if (backend := _backend(other, block.literal("backend") or "")) and not _differs(backend, wanted)
    ]
    surely = [other for other, backend in alike if backend.attributes.keys() & wanted.keys() - _ACCESS]
    # If a root leaves its place to `-backend-config`, or computes the key, compare by name instead.
    named = [other for other, _ in alike if _names(block, other)]
    possible = (surely, named, [other for other, _ in alike])
    return next((fitting[0] for fitting in possible if len(fitting) == 1), None)


def _backend(root: Path, kind: str) -> Block | None:
    """Return the backend of a root, if it is of a kind."""
    inner = (
        each for block in declarations.blocks(root) if block.type == "terraform" for each in block.blocks
    )
    return next((each for each in inner if (each.type, each.labels) == ("backend", (kind,))), None)


def _differs(backend: Block, wanted: Mapping[str, str]) -> bool:
    """Return whether a backend has another place than the wanted one, if both are plain texts."""
    common = backend.attributes.keys() & wanted.keys() - _ACCESS
    return any(backend.literal(name) not in {None, wanted[name]} for name in common)


def _names(block: Block, root: Path) -> bool:
    """Return whether a data source is named after a root's directory, or has that name in its place."""
    place = re.sub(r"\$\{[^}]*\}", "", block.attributes.get("config", ""))
    return root.name in {block.labels[1], *re.findall(r"[\w-]+", place)}
