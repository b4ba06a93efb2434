"""Let a function wait for a debugger. Its process is on this machine, so your editor reaches it on a port.

The plan is a file in the emulator's folder. `lambda_process_executor.tools` reads it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import socket
import threading
import time
import zipfile
from base64 import b64decode
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from harness.backends import emulator
from harness.base.files import replace_text
from harness.coverage.origins import Origins
from harness.errors import HarnessError, SettingsError
from harness.session import zip_variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.settings import Settings
    from harness.stack.deployment import Deployment

PORT = 5678  # debugpy's default
_HOST = "127.0.0.1"
_CODE = "/var/task"
_POLL = 0.2  # seconds
_END = 2.0  # seconds until a process that was debugged has ended


@contextmanager
def debugged(
    deployment: Deployment, name: str, settings: Settings, *, port: int, tell: Callable[[str], object]
) -> Iterator[None]:
    """Make the next process of a function wait for a debugger while the context is open.

    The function's timeout is suspended meanwhile. Only one process at a time gets the debugger, and others
    run without one.

    Args:
        deployment: The running stack.
        name: The function's name.
        settings: The stack's settings.
        port: The port on this machine for the debugger.
        tell: Called with a line each time a process waits.

    Raises:
        HarnessError: The function is in Python, and debugpy is not installed beside the harness.
        SettingsError: The function does not run as a process of this machine, is neither in Python nor in
            Node.js, or the port is taken.
    """
    config = deployment.client("lambda").get_function_configuration(FunctionName=name)
    tools = emulator.folder_of(deployment.endpoint, emulator.TOOLS)
    if tools is None:
        expected = "a backend that runs functions as processes of this machine: host, localemu or ministack"
        raise SettingsError("debug", expected=expected, got=deployment.endpoint.backend)
    runtime = str(config.get("Runtime"))
    if not runtime.startswith(("python", "nodejs")):
        raise SettingsError("FUNCTION", expected="a function in Python or Node.js", got=runtime)
    _check_free(port)
    run = tools / uuid4().hex
    plan: dict[str, Any] = {"run": run.name, "function": name, "port": port}
    if runtime.startswith("python"):  # Node.js brings its own debugger
        roots = _roots(deployment, name, settings, config["CodeSha256"])
        plan |= {"library": str(_library()), "roots": roots}
    file, has_ended = tools / f"debugger-{os.getpid()}.json", threading.Event()
    watcher = threading.Thread(
        target=_tell_who_waits, args=(run, f"{name} waits at {_HOST}:{port}", tell, has_ended), daemon=True
    )
    run.mkdir()
    replace_text(file, json.dumps(plan))
    watcher.start()
    try:
        yield
    finally:
        has_ended.set()
        watcher.join()
        file.unlink(missing_ok=True)
        shutil.rmtree(run, ignore_errors=True)


def _library() -> Path:
    found = importlib.util.find_spec("debugpy")
    if found is None or not found.origin:
        raise HarnessError(
            "debugpy is not installed beside the harness; install `terraform-lambda-harness[debug]`"
        )
    return Path(found.origin).parent


def _check_free(port: int) -> None:
    """Check that the port is free, or will be when a process has ended that was debugged before."""
    end = time.monotonic() + _END
    while not _is_free(port):
        if time.monotonic() > end:
            expected = "a free port; another function may be debugged on this one"
            raise SettingsError("--port", expected=expected, got=str(port))
        time.sleep(_POLL)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True


def _roots(deployment: Deployment, name: str, settings: Settings, digest: str) -> list[tuple[str, str]]:
    """Return the local folders of the function's code, as pairs of remote and local path."""
    folders = [settings.project, *(package.source for package in settings.every_package)]
    for zipped in _zips(deployment, name, settings):
        content = zipped.read_bytes() if zipped.is_file() else b""
        if hashlib.sha256(content).digest() == b64decode(digest):
            return Origins(folders).roots(_files(zipped))
    return []


def _zips(deployment: Deployment, name: str, settings: Settings) -> Iterator[Path]:
    """Yield files that may be the function's zip: those of packages, and the one named by its resource."""
    yield from map(Path, zip_variables(settings, running=deployment.endpoint.backend).values())
    for each in deployment.resources("aws_lambda_function"):
        if each.values["function_name"] == name and each.values.get("filename"):
            yield deployment.terraform.root / each.values["filename"]


def _files(zipped: Path) -> Mapping[str, str]:
    with zipfile.ZipFile(zipped) as archive:
        names = [name for name in archive.namelist() if name.endswith(".py")]
        return {f"{_CODE}/{name}": hashlib.sha256(archive.read(name)).hexdigest() for name in names}


def _tell_who_waits(run: Path, line: str, tell: Callable[[str], object], has_ended: threading.Event) -> None:
    known: set[Path] = set()
    while not has_ended.wait(_POLL):
        for fresh in set(run.glob("*.found")) - known:
            known.add(fresh)
            tell(line)
