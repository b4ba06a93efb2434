# ruff: noqa: ANN401 # coverage is imported late, and a decorator takes any arguments
"""Runs in a function's process beside the function: measures which of its lines run, or debugs it.

Runs on the function's interpreter of any version, and imports nothing of this package.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys
import sysconfig
import threading
import time
from base64 import b64encode
from functools import wraps
from http.client import HTTPConnection
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PLAN, CONTEXT, FOUND = "/harness/plan", "/harness/context", "/harness/found"
CODE = "/var/task"  # its path in the plan; a function may see it elsewhere
# https://github.com/microsoft/debugpy: variables that its pydevd reads when it is imported
ROOTS, LIBRARIES = "PATHS_FROM_ECLIPSE_TO_PYTHON", "LIBRARY_ROOTS"
# Warnings about another process's measurement are noise here.
WARNINGS = ["no-ctracer", "no-sysmon", "no-data-collected", "module-not-measured", "couldnt-parse"]
LEAST_TIME, LEAST_PART = 0.2, 0.1  # seconds, and of the time there is: how long before its end data is saved


def begin(directories: list[str]) -> None:
    """Start the plan's tools for modules in `directories`.

    If this Python can't, say so in the log.
    """
    plan = json.loads(_call("GET", PLAN))
    kind = os.path.basename(plan["library"])  # noqa: PTH119
    try:
        {"coverage": _measure, "debugpy": _debug}[kind](plan, directories)
    except Exception as error:  # noqa: BLE001 # the function's work goes on
        version = ".".join(map(str, sys.version_info[:2]))
        sys.stderr.write(f"harness: this function runs without {kind}, on Python {version}: {error}\n")


def _debug(plan: dict[str, Any], directories: list[str]) -> None:
    """Wait until a debugger has attached. It maps the project's paths to the code's, and steps past ours."""
    roots = [[local, remote.replace(CODE, directories[0], 1)] for remote, local in plan["roots"]]
    libraries = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    os.environ[ROOTS] = json.dumps(roots)
    os.environ[LIBRARIES] = os.pathsep.join([*libraries, str(Path(__file__).parent)])
    debugpy = _import("debugpy", plan["library"])
    debugpy.listen(("127.0.0.1", plan["port"]))
    del os.environ[ROOTS], os.environ[LIBRARIES]
    _call("POST", FOUND, b"waiting")
    debugpy.wait_for_client()


def _import(name: str, folder: str) -> Any:
    """Import a package from its directory, and nothing else that lies beside it."""
    file = os.path.join(folder, "__init__.py")  # noqa: PTH118
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=[folder])
    if spec is None or spec.loader is None:
        raise ImportError(f"there is no {file}")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _measure(plan: dict[str, Any], directories: list[str]) -> None:
    coverage = _import("coverage", plan["library"])
    from awslambdaric.lambda_runtime_client import LambdaRuntimeClient as Client  # noqa: PLC0415

    measured = coverage.Coverage(
        data_file=None,
        config_file=False,
        branch=plan["branch"],
        context=plan["context"],
        include=_own(directories, frozenset(plan["names"])),
    )
    measured.set_option("run:disable_warnings", WARNINGS)
    measurement = Measurement(measured)
    for name in ("post_invocation_result", "post_invocation_error", "post_init_error"):
        setattr(Client, name, _after(measurement.hand_over, getattr(Client, name)))
    Client.wait_next_invocation = _before(measurement.begin, Client.wait_next_invocation)
    os._exit = _after(measurement.hand_over_here, os._exit)
    measured.start()
    measurement.count()


def _own(directories: list[str], names: frozenset[str]) -> list[str]:
    """Return patterns for the project's own code, by the names of its files and folders."""
    folders = [Path(directory) for directory in directories]
    entries = [entry for folder in folders if folder.is_dir() for entry in folder.iterdir()]
    own = [entry for entry in entries if entry.name in names]
    return [f"{entry}/*" if entry.is_dir() else str(entry) for entry in own] or [os.devnull]


def _after(first: Callable[[], None], then: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(then)
    def both(*args: Any, **options: Any) -> Any:
        first()
        return then(*args, **options)

    return both


def _before(then: Callable[[Any], None], first: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(first)
    def both(*args: Any, **options: Any) -> Any:
        invocation = first(*args, **options)
        then(invocation)
        return invocation

    return both


class Measurement:
    """The measurement, which is handed over after each invocation, and shortly before it would time out."""

    def __init__(self, measured: Any) -> None:
        self._measured = measured
        self._process = os.getpid()
        self._hashes: dict[str, str] = {}
        self._lock = threading.Lock()
        self._timer = threading.Timer(0, self.hand_over)

    def begin(self, invocation: Any) -> None:
        """Take note of an invocation that begins."""
        self.count()
        left = float(invocation.deadline_time_in_ms) / 1000 - time.time()
        self._timer = threading.Timer(left - min(LEAST_TIME, LEAST_PART * left), self.hand_over)
        self._timer.daemon = True
        self._timer.start()

    def count(self) -> None:
        """Count from now on for the harness's present context."""
        with self._lock:
            self._measured.switch_context(_call("GET", CONTEXT).decode())

    def hand_over(self) -> None:
        """Hand over the measurement so far. An error in this is not an error of the function."""
        self._timer.cancel()
        try:
            self._hand_over()
        except Exception as error:  # noqa: BLE001
            sys.stderr.write(f"harness: this invocation could not be measured: {error}\n")

    def _hand_over(self) -> None:
        with self._lock:
            data = self._measured.get_data()
            self._hashes |= {file: _digest(file) for file in data.measured_files() - self._hashes.keys()}
            found = {"files": self._hashes, "data": b64encode(data.dumps()).decode()}
        _call("POST", FOUND, json.dumps(found).encode())

    def hand_over_here(self) -> None:
        """Do so in the function's process, but not in one that it has forked."""
        if os.getpid() == self._process:
            self.hand_over()


def _digest(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


def _call(method: str, path: str, body: bytes | None = None) -> bytes:
    connection = HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        connection.request(method, path, body)
        return connection.getresponse().read()
    finally:
        connection.close()
