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
# Overrides whatever backend the root declares: a run never touches the state of a real deployment.
_LOCAL_STATE = 'terraform {\n  backend "local" {}\n}\n'


@contextmanager
def scratch_copy(root: Path) -> Iterator[Path]:
    """Copy `root` with all local modules that it reaches, and yield the copy of `root`.

    State, plugins and leftovers of earlier runs are not copied, and the state of the copy is a local file.

    Raises:
        SettingsError: `root` is not a directory with Terraform files.
    """
    if not root.is_dir() or not any(root.glob("*.tf")):
        raise SettingsError("HARNESS_TERRAFORM_DIR", expected="a directory with *.tf files", got=str(root))
    folders = reached(root.resolve())
    base = Path(os.path.commonpath(folders))
    with tempfile.TemporaryDirectory(prefix="harness-terraform-") as scratch:
        for folder in folders:
            copy = Path(scratch) / folder.relative_to(base)
            shutil.copytree(folder, copy, ignore=_LEFTOVERS, dirs_exist_ok=True)
        copied_root = Path(scratch) / root.resolve().relative_to(base)
        (copied_root / "harness_override.tf").write_text(_LOCAL_STATE, "utf-8")
        yield copied_root


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
