"""Tools that run in a function's process: a measurement of coverage, or a debugger.

The harness asks for it by files in `LAMBDA_PROCESS_TOOLS`, each `<kind>-<process id>.json`, a plan, which
counts as long as that process runs. A function's process asks for its plan at the Runtime API's address.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COVERAGE, DEBUGGER = "coverage", "debugger"
CONTEXT = "context"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """The tool for one process of a function.

    Attributes:
        kind: `coverage` or `debugger`.
        plan: the instructions for the process. `library` is the directory of a package to import, if the
            runtime lacks it.
        folder: directory in which the harness reads its results, and names the present context.
        stamp: different for each plan. Empty for no tool.
    """

    kind: str = ""
    plan: Mapping[str, Any] = field(default_factory=dict)
    folder: Path = Path()
    stamp: str = ""
    _id: str = field(default_factory=lambda: uuid4().hex)

    @property
    def kept(self) -> list[str]:
        """The directories of this machine that the process needs."""
        return [self.plan["library"]] if "library" in self.plan else []

    @property
    def variables(self) -> dict[str, str]:
        """Variables for the process that the function does not see."""
        return {"_HARNESS_TOOL": self.kind} if self.plan else {}

    def context(self) -> bytes:
        """Return the context for the next invocation, such as a test, if the harness names one."""
        with suppress(FileNotFoundError):
            return (self.folder / CONTEXT).read_bytes()
        return b""

    def take(self, found: bytes) -> None:
        """Store the results of the process so far, and replace earlier ones."""
        with suppress(FileNotFoundError):  # nobody wants it any more
            fresh = self.folder / f"{self._id}.new"
            fresh.write_bytes(found)
            fresh.replace(self.folder / f"{self._id}.found")


NONE = Tool()
_TAKEN: set[str] = set()
_LOCK = threading.Lock()


def prepare() -> None:
    """Create the directory, which shows the harness that there can be tools."""
    if folder := os.environ.get("LAMBDA_PROCESS_TOOLS"):
        Path(folder).mkdir(exist_ok=True)


def tool_for(function: str) -> Tool:
    """Return the tool for a process of a function that starts now."""
    debugger = _debugger(function)
    return debugger if debugger.stamp and debugger.stamp not in _TAKEN else _find(COVERAGE)


def take(function: str) -> Tool:
    """Return the same for a process that starts with it: one process at a time has a debugger."""
    with _LOCK:
        tool = tool_for(function)
        if tool.kind == DEBUGGER:
            _TAKEN.add(tool.stamp)
        return tool


def give_back(tool: Tool) -> None:
    """Take note that a process has ended that ran with a tool."""
    _TAKEN.discard(tool.stamp)


def stands(tool: Tool, function: str) -> bool:
    """Whether a process that runs with a tool is to go on with it."""
    if tool.kind == DEBUGGER:
        return tool.stamp == _debugger(function).stamp
    return tool.stamp == tool_for(function).stamp


def _debugger(function: str) -> Tool:
    return _find(DEBUGGER, lambda plan: plan["function"] == function)


def _find(kind: str, is_meant: Callable[[Mapping[str, Any]], bool] = lambda _: True) -> Tool:
    folder = os.environ.get("LAMBDA_PROCESS_TOOLS")
    for file in sorted(Path(folder).glob(f"{kind}-*.json")) if folder else ():
        tool = _read(file) if _is_running(int(file.stem.rpartition("-")[2])) else NONE
        if tool.plan and is_meant(tool.plan):
            return tool
    return NONE


def _read(file: Path) -> Tool:
    try:
        text = file.read_bytes()
    except FileNotFoundError:  # removed in the meantime
        return NONE
    kind = file.stem.partition("-")[0]
    stamp, plan = hashlib.sha256(text).hexdigest(), json.loads(text)
    return Tool(kind=kind, plan=plan, folder=file.parent / plan["run"], stamp=stamp)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
