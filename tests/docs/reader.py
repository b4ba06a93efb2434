"""The project of a reader of the documentation: the tutorial's files, and additions of the how-tos."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.docs.snippets import TUTORIAL, collected

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.docs.snippets import Snippet


def written(folder: Path) -> Path:
    """Write every file of the tutorial into `folder`, and return it."""
    for snippet in collected():
        if snippet.title and snippet.page == TUTORIAL:
            file = folder / snippet.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(snippet.code, "utf-8")
    return folder


def added(folder: Path, snippets: Iterable[Snippet]) -> list[Path]:
    """Write each of `snippets` as a test file of the reader's project."""
    files = []
    for snippet in snippets:
        stem = snippet.page.removesuffix(".md").replace("/", "_").replace("-", "_")
        files.append(folder / "tests" / f"test_{stem}_{snippet.line}.py")
        files[-1].write_text(snippet.code, "utf-8")
    return files


def ran(folder: Path, *argv: str, backend: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the reader's project, in which the reader has installed the harness."""
    chosen = {"HARNESS_BACKEND": backend} if backend else {}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        argv,
        cwd=folder,
        env={**os.environ, **chosen, "PATH": path, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
