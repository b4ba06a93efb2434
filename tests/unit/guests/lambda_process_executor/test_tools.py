# ruff: noqa: ANN401 # JSON has any type
"""The tools that run beside the function in its process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from coverage import Coverage
from lambda_process_executor import tools

from harness import Endpoint, eventually
from harness.coverage.functions import FunctionCoverage

from .conftest import MakeSandbox, invocation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lambda_process_executor.sandbox import Sandbox, Spec

HANDLER = """
import os
import time

import helper


def handler(event, context):
    if event.get("exit"):
        os._exit(1)
    if event.get("fail"):
        raise ValueError(event)
    while event.get("hang"):
        time.sleep(0.05)
    return [helper.size(number) for number in event["numbers"]]
"""
HELPER = """
def size(number):
    if number > 10:
        return "large"
    elif number < 0:
        return "none"
    return "small"


def unused():
    return 1
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "functions" / "sizes"
    folder.mkdir(parents=True)
    (folder / "app.py").write_text(textwrap.dedent(HANDLER), "utf-8")
    (folder / "helper.py").write_text(HELPER, "utf-8")
    (folder.parent / "app.py").write_text("# another of that name\n", "utf-8")
    return folder


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    folder = tmp_path / "emulator"
    folder.mkdir()
    monkeypatch.setenv("LAMBDA_PROCESS_TOOLS", str(folder / "tools"))
    tools.prepare()
    return Endpoint(backend="host", url="http://127.0.0.1:1", region="eu-north-1", log=folder / "log")


@pytest.fixture(params=[False, True], ids=["lines", "branches"])
def measurement(request: pytest.FixtureRequest, project: Path) -> Iterator[Coverage]:
    made = Coverage(data_file=None, config_file=False, source=[str(project)], branch=request.param)
    made.start()
    made.stop()
    yield made
    made.get_data().close(force=True)


@pytest.fixture
def sizes(sandbox: MakeSandbox, make_spec: Callable[..., Spec]) -> Sandbox:
    code = make_spec(HANDLER).code
    (code / "helper.py").write_text(HELPER, "utf-8")
    return sandbox("", code=code, timeout=5.0)


def call(sandbox: Sandbox, event: Any, request_id: str = "request-1") -> Any:
    outcome = sandbox.invoke(invocation(request_id, json.dumps(event).encode()))
    return json.loads(outcome.payload)


def lines(measurement: Coverage, file: Path) -> set[int]:
    return set(measurement.get_data().lines(str(file.resolve())) or ())


def in_process(project: Path, events: list[Any], *, branch: bool) -> dict[str, Any]:
    """Return the lines or arcs of both files, by name, that the same handler runs in a process of its own."""
    program = f"""
import json, sys
from coverage import Coverage
made = Coverage(data_file=None, config_file=False, source=[{str(project)!r}], branch={branch})
made.start()
sys.path.insert(0, {str(project)!r})
import app
for event in {events!r}:
    app.handler(event, None)
made.stop()
data = made.get_data()
ask = data.arcs if {branch} else data.lines
print(json.dumps({{name: sorted(ask({str(project)!r} + "/" + name)) for name in ("app.py", "helper.py")}}))
"""
    argv = [sys.executable, "-c", program]
    return dict(json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout))


def test_what_ran_in_a_function_is_what_runs_in_process(
    sizes: Sandbox, project: Path, endpoint: Endpoint, measurement: Coverage
) -> None:
    events = [{"numbers": [1, 20]}, {"numbers": []}]

    with FunctionCoverage(measurement=measurement, folders=[project.parents[1]]).of(endpoint):
        for event in events:
            call(sizes, event)

    data = measurement.get_data()
    ask = data.arcs if data.has_arcs() else data.lines
    found = {name: sorted(ask(str(project / name)) or ()) for name in ("app.py", "helper.py")}
    expected = in_process(project, events, branch=data.has_arcs())
    assert json.loads(json.dumps(found)) == expected
    assert data.measured_files() == {str(project / "app.py"), str(project / "helper.py")}


@pytest.mark.parametrize("measurement", [False], indirect=True)
@pytest.mark.parametrize(
    ("event", "line"),
    [({"exit": 1}, "os._exit(1)"), ({"fail": 1}, "raise ValueError"), ({"hang": 1}, "time.sleep")],
    ids=["exits", "fails", "times out"],
)
def test_what_ran_before_an_invocation_ended_badly_counts(
    sizes: Sandbox, project: Path, endpoint: Endpoint, measurement: Coverage, event: Any, line: str
) -> None:
    with FunctionCoverage(measurement=measurement, folders=[project]).of(endpoint):
        assert "errorType" in call(sizes, event)

    number = next(
        n for n, text in enumerate((project / "app.py").read_text().splitlines(), 1) if line in text
    )
    assert number in lines(measurement, project / "app.py")


@pytest.mark.parametrize("measurement", [False], indirect=True)
def test_lines_are_told_apart_by_test(
    sizes: Sandbox, project: Path, endpoint: Endpoint, measurement: Coverage
) -> None:
    measuring = FunctionCoverage(measurement=measurement, folders=[project])
    with measuring.of(endpoint):
        for context, number in {"test_small|run": 1, "test_large|run": 20}.items():
            measuring.count_for(context)
            call(sizes, {"numbers": [number]})

    by_line = measurement.get_data().contexts_by_lineno(str(project / "helper.py"))
    assert by_line[4] == ["test_large|run"]
    assert by_line[7] == ["test_small|run"]
    assert set(by_line[3]) == {"test_small|run", "test_large|run"}
    assert by_line[10] == ["test_small|run"]  # when the module was imported


@pytest.mark.parametrize("measurement", [False], indirect=True)
def test_a_file_that_has_changed_since_is_left_out_and_told(
    sizes: Sandbox, project: Path, endpoint: Endpoint, measurement: Coverage
) -> None:
    (project / "helper.py").write_text("# another edition\n" + HELPER, "utf-8")
    measuring = FunctionCoverage(measurement=measurement, folders=[project])
    with measuring.of(endpoint):
        call(sizes, {"numbers": [1]})

    assert not lines(measurement, project / "helper.py")
    assert lines(measurement, project / "app.py")
    (note,) = measuring.notes
    assert f"is not what {project / 'helper.py'} is now" in note


@pytest.mark.parametrize("measurement", [False], indirect=True)
def test_a_function_is_as_before_when_nobody_measures_any_more(
    sizes: Sandbox, project: Path, endpoint: Endpoint, measurement: Coverage
) -> None:
    before = sizes.pid
    assert call(sizes, {"numbers": [1]}) == ["small"]
    assert sizes.pid == before  # no tool, no new process
    with FunctionCoverage(measurement=measurement, folders=[project]).of(endpoint):
        call(sizes, {"numbers": [1]})
        measured = sizes.pid
        call(sizes, {"numbers": [1]})
        assert sizes.pid == measured  # it stays warm

    assert call(sizes, {"numbers": [1]}) == ["small"]
    assert sizes.pid != measured
    assert endpoint.log
    assert list((endpoint.log.parent / "tools").iterdir()) == []


def test_the_plan_of_a_run_that_was_killed_does_not_count(endpoint: Endpoint) -> None:
    assert endpoint.log
    folder = endpoint.log.parent / "tools"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    text = json.dumps({"run": "1", "library": "/nowhere"})
    (folder / f"coverage-{ended.pid}.json").write_text(text, "utf-8")
    assert tools.tool_for("f") == tools.NONE

    (folder / f"coverage-{os.getpid()}.json").write_text(text, "utf-8")
    assert tools.tool_for("f").kept == ["/nowhere"]


DEBUGPY = """
import time


def listen(address):
    pass


def wait_for_client():
    time.sleep(3600)
"""


@pytest.fixture
def plan(endpoint: Endpoint, tmp_path: Path) -> Path:
    """Return the plan of a debugger for the function `f` that nobody attaches to."""
    library = tmp_path / "library" / "debugpy"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text(DEBUGPY, "utf-8")
    assert endpoint.log
    tools_of_it = endpoint.log.parent / "tools"
    (tools_of_it / "run").mkdir()
    told = {"run": "run", "library": str(library), "function": "f", "port": 1, "roots": []}
    file = tools_of_it / f"debugger-{os.getpid()}.json"
    file.write_text(json.dumps(told), "utf-8")
    return file


def test_a_function_waits_for_a_debugger_past_its_time_out_and_until_nobody_wants_that(
    sandbox: MakeSandbox, plan: Path
) -> None:
    function = sandbox("def handler(event, context): return 1", timeout=1.0, init_timeout=1.0)
    assert function.pid is None  # it is left to the invocation
    with ThreadPoolExecutor(1) as thread:
        outcome = thread.submit(call, function, {})
        eventually(lambda: list(plan.parent.glob("run/*.found")), what="the function to wait", timeout=30)
        time.sleep(2)
        assert not outcome.done()
        other = sandbox("def handler(event, context): return 2")
        assert call(other, {}) == 2  # one at a time has the debugger
        plan.unlink()
        assert "timed out after 1.00 seconds" in outcome.result(30)["errorMessage"]

    assert call(function, {}) == 1


def test_a_process_ends_with_its_debugger_which_holds_the_port(sandbox: MakeSandbox, plan: Path) -> None:
    library = Path(json.loads(plan.read_text("utf-8"))["library"])
    (library / "__init__.py").write_text(DEBUGPY.replace("time.sleep(3600)", "pass"), "utf-8")
    function = sandbox("def handler(event, context): return 1")
    assert call(function, {}) == 1
    debugged = function.pid
    assert debugged

    plan.unlink()

    eventually(lambda: not psutil.pid_exists(debugged), what="the process to end")
    assert call(function, {}) == 1


def test_a_debugger_is_for_its_function_alone(sandbox: MakeSandbox, plan: Path) -> None:
    plan.write_text(plan.read_text("utf-8").replace('"function": "f"', '"function": "g"'), "utf-8")

    assert call(sandbox("def handler(event, context): return 1"), {}) == 1
