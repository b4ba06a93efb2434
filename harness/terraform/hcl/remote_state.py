"""Roots that read each other's state: their relations, and the order of their applies."""

from __future__ import annotations

import json
import re
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from harness.errors import SettingsError
from harness.terraform.hcl import declarations
from harness.terraform.hcl.overrides import StateOfEach
from harness.terraform.hcl.scratch import module_folders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.settings import Settings
    from harness.terraform.hcl.declarations import Block
    from harness.terraform.hcl.overrides import State

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
    graph = {root: {source for _, sources in readings(root, roots) for source in sources} for root in roots}
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


def states_read(root: Path, states: Mapping[Path, Path]) -> dict[Path, dict[str, State]]:
    """Return the state files that the modules of a root read.

    Args:
        root: The root.
        states: The state files of other roots, by root.

    Returns:
        For a module's directory, the state by the name of the data source that reads it.
    """
    found: dict[Path, dict[str, State]] = {}
    for block, sources in readings(root, list(states)):
        by_text = {_text_of(source, block): states[source] for source in sources}
        state = StateOfEach(config=block.attributes["config"], states=by_text)
        found.setdefault(block.file.parent, {})[block.labels[1]] = (
            state if _is_of_each(block) else states[sources[0]]
        )
    return found


def readings(root: Path, roots: Sequence[Path]) -> list[tuple[Block, list[Path]]]:
    """Return the blocks of a root and its modules that read other roots' states, each with those roots.

    Only a block with `for_each` may have several.
    """
    blocks = (block for folder in module_folders(root.resolve()) for block in declarations.blocks(folder))
    others = [other for other in roots if other.resolve() != root.resolve()]
    found = ((block, _writers_of(block, root, others)) for block in blocks if _reads_state(block))
    return [(block, sources) for block, sources in found if sources]


def _reads_state(block: Block) -> bool:
    return block.type == "data" and block.labels[:1] == (_KIND,)


def _is_of_each(block: Block) -> bool:
    return "for_each" in block.attributes and "config" in block.attributes


def _text_of(root: Path, block: Block) -> str:
    """Return a text that the `config` of a root's readers has, as JSON: its key, or else its name."""
    backend = _backend(root, block.literal("backend") or "")
    key = backend.literal("key") if backend else None
    return f'"key":{json.dumps(key)}' if key else root.name


def _writers_of(block: Block, root: Path, others: Sequence[Path]) -> list[Path]:
    """Return the roots whose backends have the places that a block reads from."""
    wanted = declarations.texts_of(block.attributes.get("config", ""))
    if block.literal("backend") == "local":
        place = (root / wanted.get("path", "")).resolve()
        return [other for other in others if place.is_relative_to(other.resolve())][:1]
    alike = [
        (other, backend)
        for other in others
        if (backend := _backend(other, block.literal("backend") or "")) and not _differs(backend, wanted)
    ]
    if _is_of_each(block):
        return [other for other, _ in alike]
    surely = [other for other, backend in alike if backend.attributes.keys() & wanted.keys() - _ACCESS]
    # If a root leaves its place to `-backend-config`, or computes the key, compare by name instead.
    named = [other for other, _ in alike if _names(block, other)]
    possible = (surely, named, [other for other, _ in alike])
    return next((fitting for fitting in possible if len(fitting) == 1), [])


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
