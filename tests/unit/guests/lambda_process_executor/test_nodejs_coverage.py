# ruff: noqa: ANN401 # events and values are any JSON
"""Coverage of a Node.js function by V8, as a measurement of coverage.py."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from coverage import Coverage
from lambda_process_executor import tools
from lambda_process_executor.runtimes import NodeJs
from lambda_process_executor.toolchains import Toolchain
from lambda_process_executor.view import ON_LAMBDA, View, obstacle

from harness import Endpoint
from harness.coverage.functions import FunctionCoverage
from harness.coverage.nodejs import PLUGIN

from .conftest import MakeSandbox, invocation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lambda_process_executor.sandbox import Sandbox, Spec

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(not NODE, reason="there is no Node.js")
QUIET = "no-data-collected"  # that nothing ran in this process
# As aws-lambda-ric uses its transport.
CLIENT = """
import { createRequire } from "node:module";
const { next, done, error } = createRequire(import.meta.url)("./rapid-client.node");
const [name, member] = process.env._HANDLER.split(".");
const { [member]: handler } = await import(`${process.env.LAMBDA_TASK_ROOT}/${name}.mjs`);
while (true) {
  const { bodyJson, headers } = await next();
  const id = headers["lambda-runtime-aws-request-id"];
  try {
    done(id, JSON.stringify(await handler(JSON.parse(bodyJson))));
  } catch (problem) {
    error(id, JSON.stringify({ errorType: problem.name, errorMessage: problem.message }));
  }
}
"""
HANDLER = """
// 🦜 counts as two for V8
import { createRequire } from "node:module";
const { weigh } = createRequire(import.meta.url)("./lib/weigh.cjs");

/* What happens
   with an event. */
export const handler = async (event) => {
  const kinds = { 0: "none" };

  if (event.fails) {
    const reason = "no 🦜";
    throw new Error(reason);
  }
  if (event.exits) {
    const code = 3;
    process.exit(code);
  }
  if (event.evaluates) {
    return (0, eval)(`"made"\\n//# sourceURL=${new URL("gone.js", import.meta.url).pathname}`);
  }
  if (event.hangs) {
    const never = new Promise((resolve) => setTimeout(resolve, 1e6));
    await never;
    return "never";
  }
  return kinds[event.size] ?? weigh(event.size);
};

function unused() {
  const nothing = 0;
  return nothing;
}
"""
WEIGH = """
exports.weigh = (size) => {
  if (size > 100) {
    return "heavy";
  }
  return `${size} kg`;
};
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "weights"
    write(folder)
    return folder


def write(folder: Path) -> None:
    (folder / "lib").mkdir(parents=True)
    (folder / "index.mjs").write_text(HANDLER, "utf-8")
    (folder / "lib" / "weigh.cjs").write_text(WEIGH, "utf-8")


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    folder = tmp_path / "emulator"
    folder.mkdir()
    monkeypatch.setenv("LAMBDA_PROCESS_TOOLS", str(folder / "tools"))
    tools.prepare()
    return Endpoint(backend="host", url="http://127.0.0.1:1", region="eu-north-1", log=folder / "log")


@pytest.fixture(params=[False, True], ids=["lines", "branches"])
def measurement(request: pytest.FixtureRequest, project: Path) -> Iterator[Coverage]:
    configuration = project.parent / "coverage.ini"
    options = {"plugins": PLUGIN, "source": project, "branch": request.param, "disable_warnings": QUIET}
    told = [f"{name} = {value}" for name, value in options.items()]
    configuration.write_text("\n".join(["[run]", *told]), "utf-8")
    made = Coverage(data_file=None, config_file=str(configuration))
    made.start()
    made.stop()
    yield made
    made.get_data().close(force=True)


@pytest.fixture
def started(sandbox: MakeSandbox, make_spec: Callable[..., Spec], tmp_path: Path) -> Callable[..., Sandbox]:
    (tmp_path / "client").mkdir()
    client = tmp_path / "client" / "client.mjs"
    client.write_text(CLIENT, "utf-8")
    (client.parent / "rapid-client.node").touch()
    runtime = NodeJs("20", Toolchain(program=Path(str(NODE)), client=client))

    def start(timeout: float) -> Sandbox:
        spec = make_spec("")
        write(spec.code)
        view = View(code=spec.code, layers=spec.layers, tmp=spec.scratch) if obstacle() else ON_LAMBDA
        command = runtime.command("index.handler", view, spec.code)
        variables = {"_HANDLER": "index.handler", "LAMBDA_TASK_ROOT": str(view.code), **command.variables}
        environment = {**spec.environment, **variables}
        return sandbox("", code=spec.code, command=command, environment=environment, timeout=timeout)

    return start


@pytest.fixture
def weights(started: Callable[..., Sandbox]) -> Sandbox:
    return started(60.0)


def call(function: Sandbox, event: Any) -> Any:
    return json.loads(function.invoke(invocation("request-1", json.dumps(event).encode())).payload)


def lines(measurement: Coverage, file: Path) -> set[int]:
    return set(measurement.get_data().lines(str(file.resolve())) or ())


def in_process(project: Path, events: list[Any]) -> dict[str, dict[int, bool]]:
    """Return the lines of each file that run, as Node.js reports them for the handler in its own process."""
    test = project.parent / "own.test.mjs"
    test.write_text(
        f"""
import {{ test }} from "node:test";
import {{ handler }} from "./weights/index.mjs";
for (const event of {json.dumps(events)}) {{
  test("", async () => {{ try {{ await handler(event); }} catch {{}} }});
}}
""",
        "utf-8",
    )
    argv = [str(NODE), "--test", "--experimental-test-coverage", "--test-reporter=lcov", str(test)]
    told = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=project.parent).stdout
    records = [record for record in told.split("end_of_record") if "SF:" in record]
    return {
        Path(re.findall(r"SF:(.*)", record)[0]).name: {
            int(line): count != "0" for line, count in re.findall(r"DA:(\d+),(\d+)", record)
        }
        for record in records
    }


def statements(measurement: Coverage, file: Path) -> tuple[set[int], set[int]]:
    """Return all lines that coverage.py reports of a file, and those that have not run."""
    _, all_lines, _, missing, _ = measurement.analysis2(str(file.resolve()))
    return set(all_lines), set(missing)


def test_the_lines_of_a_function_are_those_that_node_js_tells_in_process(
    weights: Sandbox, project: Path, endpoint: Endpoint, measurement: Coverage
) -> None:
    events = [{"size": 0}, {"size": 3}, {"fails": True}]
    with FunctionCoverage(measurement=measurement, folders=[project]).of(endpoint):
        assert [call(weights, event) for event in events[:2]] == ["none", "3 kg"]
        assert call(weights, events[2])["errorMessage"] == "no 🦜"

    own = in_process(project, events)
    for file in (project / "index.mjs", project / "lib" / "weigh.cjs"):
        of_code, missing = statements(measurement, file)
        assert missing == {line for line, has_run in own[file.name].items() if not has_run} & of_code
        assert missing


@pytest.mark.parametrize(
    ("event", "timeout", "ending", "last"),
    [("exits", 60.0, "exit status 3", "process.exit(code)"), ("hangs", 8.0, "timed out", "await never")],
)
def test_an_invocation_that_ends_badly_counts_as_far_as_it_came(
    started: Callable[..., Sandbox],
    project: Path,
    endpoint: Endpoint,
    measurement: Coverage,
    event: str,
    timeout: float,
    ending: str,
    last: str,
) -> None:
    function = started(timeout)
    with FunctionCoverage(measurement=measurement, folders=[project]).of(endpoint):
        function.start()
        assert ending in call(function, {event: True})["errorMessage"]

    _, missing = statements(measurement, project / "index.mjs")
    assert number_of(last) not in missing
    assert {number_of('const reason = "no'), number_of("const nothing")} <= missing


def test_code_that_is_made_up_at_run_time_does_not_disturb(
    weights: Sandbox, project: Path, endpoint: Endpoint, measurement: Coverage
) -> None:
    with FunctionCoverage(measurement=measurement, folders=[project]).of(endpoint):
        assert call(weights, {"evaluates": True}) == "made"

    _, missing = statements(measurement, project / "index.mjs")
    assert number_of("return (0, eval)") not in missing
    assert number_of("const never") in missing


def number_of(text: str) -> int:
    return next(number for number, line in enumerate(HANDLER.splitlines(), 1) if text in line)


def test_lines_are_told_apart_by_test(
    weights: Sandbox, project: Path, endpoint: Endpoint, measurement: Coverage
) -> None:
    measured = FunctionCoverage(measurement=measurement, folders=[project])
    with measured.of(endpoint):
        for context, event in (("light", {"size": 3}), ("heavy", {"size": 300})):
            measured.count_for(context)
            assert call(weights, event) in {"3 kg", "heavy"}

    file = project / "lib" / "weigh.cjs"
    measurement.get_data().set_query_context("heavy")
    assert 4 in lines(measurement, file)
    measurement.get_data().set_query_context("light")
    assert 4 not in lines(measurement, file)
    assert 6 in lines(measurement, file)


def test_a_report_has_the_file_with_its_missing_lines(
    weights: Sandbox, project: Path, endpoint: Endpoint, measurement: Coverage
) -> None:
    with FunctionCoverage(measurement=measurement, folders=[project]).of(endpoint):
        assert call(weights, {"size": 3}) == "3 kg"

    told = io.StringIO()
    measurement.report(file=told, show_missing=True)
    row = next(line for line in told.getvalue().splitlines() if "weigh.cjs" in line)
    assert row.split()[1:3] == ["6", "2"]
    assert row.split()[-1] == "4-5"  # the brace belongs to the block


def test_without_the_plugin_nothing_is_added_and_the_way_to_it_is_told(
    weights: Sandbox, project: Path, endpoint: Endpoint
) -> None:
    plain = Coverage(data_file=None, config_file=False, source=[str(project)])
    plain.set_option("run:disable_warnings", [QUIET])
    plain.start()
    plain.stop()
    measured = FunctionCoverage(measurement=plain, folders=[project])
    with measured.of(endpoint):
        call(weights, {"size": 3})

    assert plain.get_data().measured_files() == set()
    assert measured.notes == [
        f'functions in Node.js are not measured: coverage.py reports them with `plugins = ["{PLUGIN}"]`'
    ]
    plain.get_data().close(force=True)
