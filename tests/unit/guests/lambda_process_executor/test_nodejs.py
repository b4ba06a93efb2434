# ruff: noqa: ANN401 # events and values are any JSON
"""Node.js functions under development: the debugger, and sources in place of the deployed code."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lambda_process_executor import tools
from lambda_process_executor.runtimes import NodeJs
from lambda_process_executor.toolchains import Toolchain
from lambda_process_executor.view import ON_LAMBDA, View, obstacle

from harness import eventually
from tests.cdp import DevTools

from .conftest import MakeSandbox, invocation

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambda_process_executor.sandbox import Sandbox, Spec

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(not NODE, reason="there is no Node.js")
TIMEOUT = 1.0  # seconds
CLIENT = """
const home = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;
const [name, member] = process.env._HANDLER.split('.');
const { [member]: handler } = await import(`${process.env.LAMBDA_TASK_ROOT}/${name}.mjs`);
while (true) {
  const next = await fetch(`${home}/next`);
  const answer = JSON.stringify(await handler(await next.json()));
  const id = next.headers.get('lambda-runtime-aws-request-id');
  await fetch(`${home}/${id}/response`, { method: 'POST', body: answer });
}
"""
HANDLER = """
import { unit } from './lib/units.mjs';
export const handler = async (event) => {
  const size = event.size * 2;
  return `${size} ${unit} ${process.env._HARNESS_TOOL ?? ''}`;
};
"""


@pytest.fixture
def node(sandbox: MakeSandbox, make_spec: Callable[..., Spec], tmp_path: Path) -> Callable[..., Sandbox]:
    """Return a function that starts a Lambda function with a minimal runtime client."""
    (tmp_path / "client").mkdir()
    client = tmp_path / "client" / "client.mjs"
    client.write_text(CLIENT, "utf-8")
    runtime = NodeJs("20", Toolchain(program=Path(str(NODE)), client=client))

    def start(**changes: Any) -> Sandbox:
        spec = make_spec("")
        (spec.code / "index.mjs").write_text(HANDLER, "utf-8")
        (spec.code / "lib").mkdir()
        (spec.code / "lib" / "units.mjs").write_text("export const unit = 'm';\n", "utf-8")
        in_place = View(code=spec.code, layers=spec.layers, tmp=spec.scratch)
        view = in_place if obstacle() else ON_LAMBDA
        command = runtime.command("index.handler", view, spec.code)
        variables = {"_HANDLER": "index.handler", "LAMBDA_TASK_ROOT": str(view.code), **command.variables}
        environment = {**spec.environment, **variables}
        return sandbox(
            "", code=spec.code, command=command, environment=environment, timeout=TIMEOUT, **changes
        )

    return start


def answer(function: Sandbox, **event: Any) -> str:
    outcome = function.invoke(invocation("request-1", json.dumps(event).encode()))
    assert not outcome.is_error, outcome
    return str(json.loads(outcome.payload))


@pytest.mark.skipif(bool(obstacle()), reason=f"no mount namespaces: {obstacle()}")
def test_saved_files_stand_in_for_those_of_the_zip_beside_them(
    node: Callable[..., Sandbox], tmp_path: Path
) -> None:
    over = tmp_path / "digest" / "over"
    over.mkdir(parents=True)
    function = node(hot=over.parent)
    assert answer(function, size=1) == "2 m "

    (over / "index.mjs").write_text(
        HANDLER.replace("* 2", "* 3").replace("'./lib", "'./fresh.mjs';//"), "utf-8"
    )
    (over / "fresh.mjs").write_text("export { unit } from './lib/units.mjs';\n", "utf-8")
    (over.parent / "stamp").write_text("1", "utf-8")
    assert answer(function, size=1) == "3 m "

    (over.parent / "stamp").unlink()
    assert answer(function, size=1) == "2 m "


def test_a_debugger_stops_it_in_its_source_past_its_time_out(
    node: Callable[..., Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAMBDA_PROCESS_TOOLS", str(tmp_path / "tools"))
    tools.prepare()
    function, port = node(), free_port()
    plan, run = tmp_path / "tools" / f"{tools.DEBUGGER}-{os.getpid()}.json", tmp_path / "tools" / "run"
    run.mkdir()
    plan.write_text(json.dumps({"run": "run", "function": "f", "port": port}), "utf-8")

    with ThreadPoolExecutor(1) as thread:
        result = thread.submit(answer, function, size=1)
        try:
            eventually(lambda: list(run.glob("*.found")), what="that it waits", timeout=60)
            assert stopped_at(port, line=4) == {"line": 4, "size": 2}
            assert result.result(60) == "2 m "
        finally:
            plan.unlink()  # else it would wait for ever

    assert answer(function, size=2) == "4 m "


def stopped_at(port: int, *, line: int) -> dict[str, Any]:
    """Stop at a line for longer than the time-out, go on, and return the line and the variable `size`."""
    with DevTools.attached(port) as editor:
        editor.ask("Debugger.enable")
        editor.ask("Debugger.setBreakpointByUrl", lineNumber=line, urlRegex=r"index\.mjs$")
        editor.ask("Runtime.runIfWaitingForDebugger")
        frame = editor.event("Debugger.paused")["callFrames"][0]
        time.sleep(TIMEOUT + 0.5)
        seen = {"line": frame["location"]["lineNumber"], "size": value(editor, frame, "size")}
        editor.ask("Debugger.resume")
        return seen


def value(editor: DevTools, frame: dict[str, Any], expression: str) -> Any:
    found = editor.ask(
        "Debugger.evaluateOnCallFrame", callFrameId=frame["callFrameId"], expression=expression
    )
    return found["result"]["value"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
