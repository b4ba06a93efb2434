"""Where a function sees its files: in Lambda's places where this machine allows it, else where they are."""

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launcher.py")
PROBE_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The directories of a function, as its process sees them.

    Attributes:
        code: its unpacked code, where it starts.
        layers: its layers, merged.
        tmp: what it may write to, alone.
    """

    code: Path
    layers: Path
    tmp: Path


ON_LAMBDA = View(code=Path("/var/task"), layers=Path("/opt"), tmp=Path("/tmp"))  # noqa: S108


def launch_command(plan: dict[str, object]) -> list[str]:
    """Return the command that carries out a launcher's plan."""
    return [sys.executable, "-I", "-S", str(LAUNCHER), json.dumps(plan)]


def files(
    code: Path,
    layers: Path,
    tmp: Path,
    *,
    packages: Path | None,
    kept: Sequence[Path],
    shared: Mapping[str, Path],
) -> dict[str, object]:
    """Return that part of a launcher's plan that shows directories in Lambda's places."""
    return {
        "code": os.fspath(code),
        "layers": os.fspath(layers),
        "tmp": os.fspath(tmp),
        "packages": packages and os.fspath(packages),
        "kept": [os.fspath(path) for path in kept],
        "shared": {path: os.fspath(place) for path, place in shared.items()},
    }


@functools.cache
def obstacle() -> str:
    """Return why functions can't see their files in Lambda's places; empty if they can."""
    if not hasattr(os, "unshare"):
        return "only Linux has mount namespaces"
    with tempfile.TemporaryDirectory() as empty:
        here = Path(empty)
        plan: dict[str, object] = {"argv": ["/bin/true"], "has_log_frames": False, "over": {}}
        argv = launch_command(plan | files(here, here, here, packages=None, kept=(), shared={}))
        done = subprocess.run(  # noqa: S603
            argv,
            stdin=subprocess.PIPE,
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
            check=False,
            process_group=0,
        )
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip().rpartition("\n")[2]
