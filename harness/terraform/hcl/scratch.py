"""Scratch copies of a Terraform root and all files that it uses, so that the checkout stays untouched."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import SettingsError
from harness.terraform.hcl import declarations, overrides, paths

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from harness.terraform.hcl.declarations import Block
    from harness.terraform.hcl.overrides import State

_OWN = (".terraform", "*.tfstate", "*.tfstate.*", "*.tfplan", "localstack_providers_override.tf")
# Directories that no Terraform reads from the directory above the root.
_OF_OTHERS = (".git", ".venv", "venv", ".nox", ".tox", "node_modules", "__pycache__")


def _leaving_out(*patterns: str) -> Callable[[str, list[str]], set[str]]:
    """Return a filter for `copytree` that ignores names that match, and links that are broken or circular.

    `copytree` can leave out links to nowhere itself, but has relative ones begin in the working directory.
    """
    matching = shutil.ignore_patterns(*patterns)

    def left_out(folder: str, names: list[str]) -> set[str]:
        here = Path(folder).resolve()
        links = (name for name in names if (Path(folder) / name).is_symlink())
        return matching(folder, names) | {name for name in links if not _leads_on(here, Path(folder) / name)}

    return left_out


def _leads_on(here: Path, link: Path) -> bool:
    """Return whether a link in the directory `here` leads outside the directories above it."""
    return link.exists() and not here.is_relative_to(link.resolve())


_LEFTOVERS, _HEAVY = _leaving_out(*_OWN), _leaving_out(*_OWN, *_OF_OTHERS)
# The version files of tfenv, tenv, tfswitch, asdf and mise, which search from the working directory upwards.
_PINS = (
    ".terraform-version",
    ".opentofu-version",
    ".tfswitchrc",
    ".tool-versions",
    "mise.toml",
    ".mise.toml",
)
_LOCK = ".terraform.lock.hcl"  # if the root has none, `init` has created it


@contextmanager
def scratch_copy(root: Path, *, emulated: bool = True) -> Iterator[Path]:
    """Copy `root` and everything it uses, as `copy_root` does, and yield the copy of `root`.

    Raises:
        SettingsError: `root` is not a directory with Terraform files.
    """
    with tempfile.TemporaryDirectory(prefix="harness-terraform-") as scratch:
        yield copy_root(root, Path(scratch), emulated=emulated)


def copy_root(
    root: Path,
    into: Path,
    *,
    emulated: bool = True,
    states: Mapping[Path, Mapping[str, State]] | None = None,
    values: Collection[str] = (),
) -> Path:
    """Copy `root` and everything it uses into the directory `into`, and return the copy of `root`.

    That includes every local module, and every file and directory that a path with `..` names. An earlier
    copy is replaced, except for its state and plugins. State, plugins and leftovers of the original are not
    copied. The state of the copy is a local file, whatever backend `root` declares.

    Args:
        root: The root module.
        into: A directory.
        emulated: Whether to apply the copy at an emulator. If so, its providers get the emulator's account,
            keys and endpoints, whatever they declare.
        states: The states of other roots that the modules read: for a module's directory, the state file by
            the name of the data source.
        values: The values of the root's variables, which may be paths too.

    Raises:
        SettingsError: `root` is not a directory with Terraform files.
    """
    declarations.check(root)
    _clear(into)
    read = states or {}
    modules = module_folders(root.resolve())
    for place in paths.above(modules, values):
        _copy(place, into, _HEAVY if _holds(place, root) else _LEFTOVERS)
    for folder in modules:
        _copy(folder, into, _LEFTOVERS)
        is_root = folder == root.resolve()
        overrides.write(copy_of(folder, into), is_root=is_root, emulated=emulated, states=read.get(folder))
    for pin in _pins(root):
        shutil.copy2(pin, copy_of(root, into) / pin.name)
    return copy_of(root, into)


def inputs(root: Path, values: Collection[str] = ()) -> list[Path]:
    """Return all files that `copy_root` would copy, sorted."""
    modules = module_folders(root.resolve()) if root.is_dir() else []
    found = {file for folder in modules for file in _files(folder, _LEFTOVERS)}
    for place in paths.above(modules, values):
        found |= set(_files(place, _HEAVY if _holds(place, root) else _LEFTOVERS))
    return sorted(found | set(_pins(root)))


def _pins(root: Path) -> Iterator[Path]:
    """Yield the files by which version managers choose a Terraform, the nearest of each name."""
    for name in _PINS:
        for folder in (root.resolve(), *root.resolve().parents):
            if (folder / name).is_file():
                yield folder / name
                break


def _copy(place: Path, into: Path, ignored: Callable[[str, list[str]], set[str]]) -> None:
    target = copy_of(place, into)
    if place.is_dir():
        shutil.copytree(place, target, ignore=ignored, dirs_exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(place, target)


def _files(place: Path, ignored: Callable[[str, list[str]], set[str]]) -> Iterator[Path]:
    if place.is_file():
        yield place
    for folder, names, files in os.walk(place, followlinks=True):
        left_out = ignored(folder, [*names, *files])
        names[:] = [name for name in names if name not in left_out]
        copied = (Path(folder) / file for file in files if file not in left_out)
        yield from (file for file in copied if file.is_file())


def _holds(place: Path, root: Path) -> bool:
    return root.resolve().is_relative_to(place)


def copy_of(folder: Path, into: Path) -> Path:
    """Return the place of the copy of `folder`.

    It does not depend on the other files that are copied.
    """
    return into / folder.resolve().relative_to(folder.resolve().anchor)


def folder_of_copies(folder: Path, copy: Path) -> Path:
    """Return the directory that `copy_root` has put `copy`, that of `folder`, into."""
    return copy.parents[len(folder.resolve().parts) - 2]


def _clear(into: Path) -> None:
    """Remove the remains of an earlier copy from `into`."""
    for folder, names, files in os.walk(into):
        own = _LEFTOVERS(folder, [*names, *files])
        names[:] = [name for name in names if name not in own]
        for file in set(files) - own - {_LOCK}:
            (Path(folder) / file).unlink()


def module_folders(root: Path) -> list[Path]:
    """Return `root` and every directory that its module calls reach by a relative path."""
    found: dict[Path, None] = {}
    pending = [root]
    while pending:
        folder = pending.pop()
        if folder not in found:
            found[folder] = None
            pending.extend(_folders_of_calls(folder))
    return list(found)


def check(root: Path, project: Path | None = None) -> None:
    """Check that `root` is a root module, and that the local modules which it reaches are there.

    Args:
        root: The directory.
        project: Where else a root may lie, which the error then names.

    Raises:
        SettingsError: It has no Terraform files, or one of its modules is missing.
    """
    declarations.check(root, project)
    for folder in module_folders(root.resolve()):
        for block, called in _local_calls(folder):
            if not called.is_dir():
                where = f"module {' '.join(block.labels)!r} ({block.file.name}:{block.line})"
                raise SettingsError(where, expected="the directory of a module", got=block.literal("source"))


def _folders_of_calls(folder: Path) -> Iterator[Path]:
    return (called for _, called in _local_calls(folder) if called.is_dir())


def _local_calls(folder: Path) -> Iterator[tuple[Block, Path]]:
    for block in declarations.blocks(folder):
        source = (block.literal("source") if block.type == "module" else None) or ""
        if source.startswith(("./", "../")):
            yield block, (folder / source).resolve()
