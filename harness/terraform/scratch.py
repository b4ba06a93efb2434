"""A scratch copy of a Terraform root and the local modules it uses: the checkout stays untouched."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCAL_SOURCE = re.compile(r'^\s*source\s*=\s*"(\.\.?/[^"]*)"', re.MULTILINE)
_LEFTOVERS = shutil.ignore_patterns(
    ".terraform", "*.tfstate", "*.tfstate.*", "*.tfplan", "localstack_providers_override.tf"
)
_LOCK = ".terraform.lock.hcl"  # where the root has none, `init` has made one
# Overrides whatever backend the root declares: a run never touches the state of a real deployment.
_LOCAL_STATE = 'terraform {\n  backend "local" {}\n}\n'


@contextmanager
def scratch_copy(root: Path) -> Iterator[Path]:
    """Copy `root` with all local modules that it reaches, and yield the copy of `root`.

    State, plugins and leftovers of earlier runs are not copied, and the state of the copy is a local file.

    Raises:
        SettingsError: `root` is not a directory with Terraform files.
    """
    with tempfile.TemporaryDirectory(prefix="harness-terraform-") as scratch:
        yield copied(root, Path(scratch))


def copied(root: Path, into: Path) -> Path:
    """Copy `root` and all local modules that it reaches into the directory `into`; return its copy.

    What is there already is replaced, but for state and plugins: those are the copy's own.

    Raises:
        SettingsError: `root` is not a directory with Terraform files.
    """
    if not root.is_dir() or not any(root.glob("*.tf")):
        raise SettingsError("HARNESS_TERRAFORM_DIR", expected="a directory with *.tf files", got=str(root))
    _clear(into)
    for folder in reached(root.resolve()):
        shutil.copytree(folder, copy_of(folder, into), ignore=_LEFTOVERS, dirs_exist_ok=True)
    (copy_of(root, into) / "harness_override.tf").write_text(_LOCAL_STATE, "utf-8")
    return copy_of(root, into)


def copy_of(folder: Path, into: Path) -> Path:
    """Return where `copied` puts `folder`: a place that does not depend on what else is copied."""
    return into / folder.resolve().relative_to(folder.resolve().anchor)


def is_leftover(name: str) -> bool:
    """Whether a file or directory of this name is what Terraform has left there, not a source."""
    return bool(_LEFTOVERS("", [name]))


def _clear(into: Path) -> None:
    """Remove what an earlier copy has put into `into`."""
    for folder, names, files in os.walk(into):
        own = _LEFTOVERS(folder, [*names, *files])
        names[:] = [name for name in names if name not in own]
        for file in set(files) - own - {_LOCK}:
            (Path(folder) / file).unlink()


def reached(root: Path) -> list[Path]:
    """Return `root` and every directory that its module calls reach by a relative path."""
    found: dict[Path, None] = {}
    pending = [root]
    while pending:
        folder = pending.pop()
        if folder not in found:
            found[folder] = None
            pending.extend(_called(folder))
    return list(found)


def _called(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.glob("*.tf")):
        for source in _LOCAL_SOURCE.findall(file.read_text("utf-8")):
            called = (folder / source).resolve()
            if called.is_dir():
                yield called
