"""Functions' processes that notice which of the functions' own variables they read."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lambda_process_executor
import pytest
from lambda_process_executor import request_log
from lambda_process_executor.environment import watched_variables
from lambda_process_executor.request_log import RequestLog
from lambda_process_executor.runtimes import NodeJs
from lambda_process_executor.toolchains import Toolchain

from .conftest import MakeSandbox, invocation

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambda_process_executor.sandbox import Spec

type Reads = tuple[list[str], list[str]]  # read, and certainly not read

CLIENTS = Path(lambda_process_executor.__file__).with_name("clients")
NODE = shutil.which("node")
OWN = {"TABLE": "t", "BUCKET": "b"}
# As aws-lambda-ric does it, with the transport that stands in for its own.
NODE_CLIENT = """
import { createRequire } from "node:module";
const transport = createRequire(import.meta.url)("./rapid-client.node");
while (true) {
  const { bodyJson, headers } = await transport.next();
  const name = JSON.parse(bodyJson);
  transport.done(headers["lambda-runtime-aws-request-id"], JSON.stringify(name && process.env[name]));
}
"""
BOTH, NEITHER = ["BUCKET", "TABLE"], list[str]()


@pytest.fixture
def run(sandbox: MakeSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Reads]]:
    """Return what the log has of the reads of a function that is invoked with each of some events."""
    log = RequestLog(tmp_path / "log")
    monkeypatch.setattr(request_log, "open_log", lambda: log)

    def invoked(source: str, *events: object) -> list[Reads]:
        function = sandbox(f"import os\n{source}", variables=OWN, watched=tuple(OWN))
        for number, event in enumerate(events or [None]):
            function.invoke(invocation(f"request-{number}", json.dumps(event).encode()))
        lines = [json.loads(line) for line in log.read(0).splitlines()[1:]]
        return [(each.get("variables_read", []), each.get("variables_unread", [])) for each in lines]

    return invoked


def handler(body: str) -> str:
    return f"def handler(event, context): {body}\n"


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        (handler("return 1"), (NEITHER, BOTH)),
        (handler("return os.environ['TABLE']"), (["TABLE"], ["BUCKET"])),
        (handler("return os.environ.get('TABLE')"), (["TABLE"], ["BUCKET"])),
        (handler("return os.getenv('TABLE')"), (["TABLE"], ["BUCKET"])),
        (handler("return 'TABLE' in os.environ"), (["TABLE"], ["BUCKET"])),
        (handler("raise RuntimeError(os.environ['TABLE'])"), (["TABLE"], ["BUCKET"])),
        ("TABLE = os.environ['TABLE']\n" + handler("return 1"), (["TABLE"], ["BUCKET"])),
        ("TABLE = os.environ['TABLE']\n" + handler("return os.environ['BUCKET']"), (BOTH, NEITHER)),
        (handler("return os.environ.get('MISSING')"), (NEITHER, BOTH)),
        # SDKs look for proxies in this way
        (handler("from urllib.request import getproxies as all; return len(all())"), (NEITHER, BOTH)),
        # all at once: a read by name counts nevertheless
        (handler("return dict(os.environ)"), (NEITHER, NEITHER)),
        (handler("return {**os.environ}"), (NEITHER, NEITHER)),
        (handler("return os.environ.copy()"), (NEITHER, NEITHER)),
        (handler("return [value for _, value in os.environ.items()]"), (NEITHER, NEITHER)),
        (handler("return list(os.environ.values())"), (NEITHER, NEITHER)),
        (handler("return [os.environ[name] for name in os.environ]"), (NEITHER, NEITHER)),
        (handler("return {} | os.environ, os.environ | {}"), (NEITHER, NEITHER)),
        (handler("return repr(os.environ)"), (NEITHER, NEITHER)),
        (handler("return dict(os.environ) and os.environ['TABLE']"), (["TABLE"], NEITHER)),
        (handler("return str(os.environb[b'TABLE'])"), (NEITHER, NEITHER)),
        # other programs
        (handler("return os.system('true')"), (NEITHER, NEITHER)),
        (handler("import subprocess; subprocess.run('true')"), (NEITHER, NEITHER)),
        # another value
        (handler("os.environ['TABLE'] = 'x'; return os.environ['TABLE']"), (NEITHER, ["BUCKET"])),
    ],
)
def test_a_read_by_its_name_is_noticed_and_what_may_be_one_is_not_certain(
    run: Callable[..., list[Reads]], source: str, reads: Reads
) -> None:
    assert run(source) == [reads]


def test_each_invocation_has_its_own_reads_and_those_of_the_start(run: Callable[..., list[Reads]]) -> None:
    source = "os.environ['TABLE']\n" + handler("return event and os.environ[event]")

    assert run(source, None, "BUCKET", "BUCKET", None) == [
        (["TABLE"], ["BUCKET"]),
        (BOTH, NEITHER),
        (BOTH, NEITHER),
        (["TABLE"], NEITHER),  # an earlier one may have kept the value
    ]


def test_an_invocation_that_does_not_come_to_its_end_tells_nothing(run: Callable[..., list[Reads]]) -> None:
    source = handler("return os._exit(1) if event else os.environ['TABLE']")

    assert run(source, None, "exit", None) == [
        (["TABLE"], ["BUCKET"]),
        (NEITHER, NEITHER),
        (["TABLE"], ["BUCKET"]),
    ]


def test_a_function_does_not_see_that_it_is_watched(
    sandbox: MakeSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = RequestLog(tmp_path / "log")
    monkeypatch.setattr(request_log, "open_log", lambda: log)
    source = handler("return type(os.environ).__name__, sorted(os.environ), os.environ['TABLE']")

    def seen(**changes: Any) -> Any:  # noqa: ANN401 - JSON
        function = sandbox(f"import os\n{source}", variables=OWN, **changes)
        return json.loads(function.invoke(invocation()).payload)

    assert seen(watched=tuple(OWN)) == seen()


def test_variables_that_a_runtime_or_an_sdk_reads_by_itself_are_not_watched() -> None:
    names = ("AWS_MAX_ATTEMPTS", "TZ", "PYTHONPATH", "https_proxy", "NODE_OPTIONS")
    of_others = dict.fromkeys(names, "")

    assert watched_variables(OWN | of_others | {"NODE_ENV": "test"}) == ("TABLE", "BUCKET", "NODE_ENV")
    assert watched_variables({**OWN, "AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"}) == ()


@pytest.mark.skipif(not NODE, reason="there is no Node.js")
@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("", (NEITHER, BOTH)),
        ("process.env.TABLE", (["TABLE"], ["BUCKET"])),
        ("const { TABLE } = process.env", (["TABLE"], ["BUCKET"])),
        ("'TABLE' in process.env", (["TABLE"], ["BUCKET"])),
        ("process.env.MISSING", (NEITHER, BOTH)),
        ("({ ...process.env })", (NEITHER, NEITHER)),
        ("Object.entries(process.env)", (NEITHER, NEITHER)),
        ("for (const name in process.env) process.env[name]", (NEITHER, NEITHER)),
        (
            "process.env.TABLE; Object.keys(process.env).map((name) => process.env[name])",
            (["TABLE"], NEITHER),
        ),
        ("require('node:child_process').spawnSync('true')", (NEITHER, NEITHER)),
        ("process.env.TABLE = 1; process.env.TABLE", (NEITHER, ["BUCKET"])),
        ("reads.begin(); process.env.TABLE; reads.begin()", (NEITHER, ["BUCKET"])),
        ("process.env.TABLE; reads.begin(); reads.begin()", (["TABLE"], ["BUCKET"])),
    ],
)
def test_so_does_a_process_of_node_js(source: str, reads: Reads) -> None:
    script = f"""
        const {{ Reads }} = require({json.dumps(str(CLIENTS / "nodejs_variables.cjs"))});
        const reads = new Reads(["TABLE", "BUCKET"]);
        {source};
        const told = [];
        reads.tell((path, text) => told.push([path, JSON.parse(text)]));
        reads.tell((path, text) => told.push([path, JSON.parse(text)]));
        console.log(JSON.stringify(told));
    """
    done = subprocess.run([str(NODE), "-e", script], env=OWN, capture_output=True, text=True, check=True)

    told = {"read": reads[0], "unread": reads[1]}
    assert json.loads(done.stdout) == [["/harness/variables", told]]  # once, as nothing has changed


@pytest.mark.skipif(not NODE, reason="there is no Node.js")
def test_the_log_has_the_reads_of_each_invocation_of_node_js(
    sandbox: MakeSandbox, make_spec: Callable[..., Spec], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, client = RequestLog(tmp_path / "log"), tmp_path / "client.mjs"
    monkeypatch.setattr(request_log, "open_log", lambda: log)
    client.write_text(NODE_CLIENT, "utf-8")
    (tmp_path / "rapid-client.node").touch()
    spec = make_spec("", variables=OWN, is_in_place=True)
    command = NodeJs("20", Toolchain(program=Path(str(NODE)), client=client)).command(
        "", spec.view, spec.code
    )
    environment = {**spec.environment, **command.variables}
    function = sandbox("", is_in_place=True, command=command, environment=environment, watched=tuple(OWN))

    answers = [json.loads(function.invoke(invocation("1", each)).payload) for each in (b"null", b'"TABLE"')]

    lines = [json.loads(line) for line in log.read(0).splitlines()[1:]]
    assert answers == [None, "t"]
    assert [each.get("variables_read") for each in lines] == [None, ["TABLE"]]
    assert [each["variables_unread"] for each in lines] == [BOTH, ["BUCKET"]]
