# ruff: noqa: ANN401 # keyword arguments and JSON have any type
from __future__ import annotations

import itertools
import sys
import textwrap
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from lambda_process_executor.environment import Surroundings, function_environment
from lambda_process_executor.runtime_api import Invocation
from lambda_process_executor.runtimes import Python
from lambda_process_executor.sandbox import Sandbox, Spec
from lambda_process_executor.toolchains import Toolchain
from lambda_process_executor.view import ON_LAMBDA, View, obstacle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

type MakeSandbox = Callable[..., Sandbox]


def invocation(request_id: str = "request-1", payload: bytes = b"{}", **more: Any) -> Invocation:
    arn = "arn:aws:lambda:eu-north-1:000000000000:function:f:live"
    return Invocation(request_id=request_id, payload=payload, **{"function_arn": arn, **more})


def own_python() -> Python:
    """Return this interpreter as that of a function."""
    return Python(f"3.{sys.version_info.minor}", Toolchain(program=Path(sys.executable)))


def has_ended(pid: int) -> bool:
    """Wait up to five seconds for the end of a process."""
    for _ in range(500):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.01)
    return False


@pytest.fixture
def make_spec(tmp_path: Path) -> Callable[..., Spec]:
    """Build the spec of an execution environment whose module `app` has the given source."""
    numbers = itertools.count()

    def make(source: str, **changes: Any) -> Spec:
        number = next(numbers)
        code, layers, scratch = (tmp_path / f"{name}{number}" for name in ("code", "layers", "scratch"))
        for directory in (code, layers, scratch):
            directory.mkdir()
        (code / "app.py").write_text(textwrap.dedent(source), "utf-8")
        in_place = View(code=code, layers=layers, tmp=scratch)
        view = in_place if changes.pop("is_in_place", obstacle()) else ON_LAMBDA
        around = Surroundings(runtime="python3.13", view=view, endpoint_host="127.0.0.1")
        given = {"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": 128}
        usual: dict[str, Any] = {
            "command": own_python().command(changes.pop("handler", "app.handler"), view, code),
            "version": "7",
            "environment": function_environment(given, changes.pop("variables", {}), around),
            "view": view,
            "code": code,
            "layers": layers,
            "scratch": scratch,
            "timeout": 60.0,  # as a loaded machine starts a process slowly
            "memory_size": 128,
        }
        return Spec(**{**usual, **changes})

    return make


@pytest.fixture
def sandbox(make_spec: Callable[..., Spec]) -> Iterator[MakeSandbox]:
    """Return a function that starts an execution environment, which is stopped after the test."""
    with ExitStack() as stopping:

        def make(source: str, **changes: Any) -> Sandbox:
            made = Sandbox(make_spec(source, **changes))
            stopping.callback(made.stop)
            made.start()
            return made

        yield make
