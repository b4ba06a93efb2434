# ruff: noqa: ANN401 # events and results are any JSON
"""One contract for the functions of every runtime that runs without Docker."""

from __future__ import annotations

import re
import shutil
import subprocess
import textwrap
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from harness import backends
from harness.aws import clients
from harness.aws.rest import ApiClient
from harness.errors import MissingToolError
from harness.functions import runtimes
from harness.terraform.needs import RUNTIME

from .functions import Function, archive, functions, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness import Endpoint, Settings

    from .functions import MakeFunction

pytestmark = pytest.mark.requires("process_executor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The sources of functions for some runtimes.

    Attributes:
        files: A function that carries out its event, `{"do": …, "with": …}`.
        broken: One that raises when it is initialised.
        error: Its name for the error that it raises.
        broken_error: The name of the broken one's error.
        stack: A part of the stack trace in the log.
    """

    handler: str
    files: Mapping[str, str]
    broken: Mapping[str, str]
    error: str = "ValueError"
    broken_error: str = "ValueError"
    stack: str = "in do_raise"


PYTHON = textwrap.dedent("""
    import os, sys, time

    def handler(event, context):
        return globals()["do_" + event["do"]](event.get("with"))

    def do_return(value): return value
    def do_raise(message): raise ValueError(message)
    def do_version(_): return "python%d.%d" % sys.version_info[:2]
    def do_read(path): return open(path).read()
    def do_list(path): return sorted(os.listdir(path))
    def do_variable(name): return os.environ.get(name)
    def do_where(_): return os.getcwd()
    def do_print(text): print(text, flush=True)
    def do_sleep(seconds): time.sleep(seconds)
    def do_exit(code): os._exit(code)

    def do_write(path):
        try:
            with open(path, "w") as opened:
                return opened.write("x")
        except OSError as error:
            return error.strerror
""")

# A runtime of somebody's own, as small as can be.
OWN_RUNTIME = textwrap.dedent("""
    import json, traceback, urllib.request

    def call(path, data=None):
        api = os.environ["AWS_LAMBDA_RUNTIME_API"]
        return urllib.request.urlopen(f"http://{api}/2018-06-01/runtime/{path}", data)

    while True:
        with call("invocation/next") as event:
            request = "invocation/" + event.headers["Lambda-Runtime-Aws-Request-Id"]
            try:
                reply, answer = "response", handler(json.load(event), None)
            except Exception as error:
                traceback.print_exc()
                reply, answer = "error", {"errorType": type(error).__name__, "errorMessage": str(error)}
            call(f"{request}/{reply}", json.dumps(answer).encode()).close()
""")

PYTHON_FAMILY = Family(
    handler="app.handler",
    files={"app.py": PYTHON},
    broken={"app.py": "raise ValueError('not today')"},
)
PROVIDED_FAMILY = Family(
    handler="any",
    files={"bootstrap": f"#!/usr/bin/env python3\n{PYTHON}{OWN_RUNTIME}"},
    broken={"bootstrap": "#!/bin/sh\necho not today\nexit 7"},
    broken_error="Runtime.ExitError",
)
COMMON_JS = """
const fs = require("node:fs");
const does = {
  return: (value) => value,
  raise: (message) => { throw new RangeError(message); },
  version: () => `nodejs${process.versions.node.split(".")[0]}.x`,
  read: (path) => fs.readFileSync(path, "utf8"),
  list: (path) => fs.readdirSync(path).sort(),
  variable: (name) => process.env[name] ?? null,
  where: () => process.cwd(),
  print: (text) => console.log(text),
  sleep: (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000)),
  exit: (code) => process.exit(code),
  write: (path) => {
    try { fs.writeFileSync(path, "x"); } catch (error) { return error.message; }
  },
};
exports.handler = async (event) => does[event.do](event.with);
"""
ES_MODULE = COMMON_JS.replace('const fs = require("node:fs")', 'import fs from "node:fs"').replace(
    "exports.handler =", "export const handler ="
)
COMMON_JS_FAMILY = Family(
    handler="app.handler",
    files={"app.js": COMMON_JS},
    broken={"app.js": "throw new RangeError('not today')"},
    error="RangeError",
    broken_error="RangeError",
    stack="at Object.raise",
)
ES_MODULE_FAMILY = replace(
    COMMON_JS_FAMILY, files={"app.mjs": ES_MODULE}, broken={"app.mjs": "throw new RangeError('not today')"}
)
FAMILIES = {
    **{f"python3.{minor}": PYTHON_FAMILY for minor in range(9, 15)},
    "nodejs20.x": COMMON_JS_FAMILY,
    "nodejs22.x": COMMON_JS_FAMILY,
    "nodejs24.x": ES_MODULE_FAMILY,
    **dict.fromkeys(["provided.al2", "provided.al2023"], PROVIDED_FAMILY),
}


@pytest.fixture(scope="module", params=FAMILIES)
def runtime(request: pytest.FixtureRequest, endpoint: Endpoint, harness_settings: Settings) -> str:
    """Provide each runtime that this machine can run."""
    name = str(request.param)
    if backends.load(endpoint.backend).lacks(harness_settings, f"{RUNTIME}{name}"):
        pytest.skip(f"{endpoint.backend} has no runtime {name}")
    if endpoint.backend != "container" and not name.startswith("provided"):
        try:
            runtimes.prepare(harness_settings, name)
        except MissingToolError as problem:
            pytest.skip(str(problem))
    return name


@pytest.fixture(scope="module")
def make(endpoint: Endpoint) -> Iterator[MakeFunction]:
    with functions(endpoint) as made:
        yield made


@pytest.fixture(scope="module")
def family(runtime: str) -> Family:
    return FAMILIES[runtime]


@pytest.fixture(scope="module")
def layer(endpoint: Endpoint) -> str:
    """Publish a layer with one file."""
    client = clients.client(endpoint, "lambda")
    content = {"ZipFile": archive({"data/words.txt": "from the layer"})}
    published = client.publish_layer_version(LayerName=f"words-{uuid4().hex[:8]}", Content=content)
    return str(published["LayerVersionArn"])


@pytest.fixture(scope="module")
def function(make: MakeFunction, runtime: str, family: Family, layer: str) -> Function:
    """Create the function that all tests of a runtime share."""
    return make(
        "",
        Runtime=runtime,
        Handler=family.handler,
        Code={"ZipFile": archive(family.files)},
        Environment={"Variables": {"TEXT": "å = b"}},
        Layers=[layer],
        Timeout=10,
    )


def do(what: str, value: Any = None) -> dict[str, Any]:
    return {"do": what, "with": value}


def test_it_runs_on_the_version_that_it_asks_for(function: Function, runtime: str) -> None:
    if runtime.startswith("provided"):
        pytest.skip("brings its own")
    assert function.result(do("version")) == runtime


@pytest.mark.parametrize("value", ["åäö €", {"a": [1, None, True]}, None, "x" * 1_000_000])
def test_what_it_returns_comes_back(function: Function, value: object) -> None:
    assert function.result(do("return", value)) == value


def test_what_it_raises_is_told_with_its_stack(function: Function, family: Family) -> None:
    answer = function.invoke(do("raise", "no good"))

    assert answer.error == "Unhandled"
    assert (answer.result["errorType"], answer.result["errorMessage"]) == (family.error, "no good")
    assert family.stack in answer.logs
    assert function.result(do("return", "and it goes on")) == "and it goes on"


def test_it_sees_its_variables_and_its_code(function: Function, family: Family) -> None:
    assert function.result(do("variable", "TEXT")) == "å = b"
    assert function.result(do("variable", "LAMBDA_TASK_ROOT")) == function.result(do("where"))
    assert set(family.files) <= set(function.result(do("list", function.result(do("where")))))
    assert function.result(do("variable", "LAMBDA_PROCESS_PYTHON")) is None


@pytest.mark.usefixtures("on_this_machine")
def test_its_files_are_where_lambda_has_them(function: Function) -> None:
    assert function.result(do("where")) == "/var/task"
    assert function.result(do("list", "/opt")) == ["data"]
    assert function.result(do("read", "/opt/data/words.txt")) == "from the layer"


@pytest.mark.usefixtures("on_this_machine")
def test_it_writes_to_tmp_alone(function: Function) -> None:
    function.result(do("write", "/tmp/mine"))  # noqa: S108

    assert function.result(do("read", "/tmp/mine")) == "x"  # noqa: S108
    assert not Path("/tmp/mine").exists()  # noqa: S108
    for place in ("/var/task/new", "/opt/new"):
        assert "ead-only" in function.result(do("write", place))


def test_its_lines_are_messages_between_lambda_s_own(function: Function) -> None:
    answer = function.invoke(do("print", "one\ntwo"))

    start, *printed, end, report = answer.logs.splitlines()
    assert start.startswith("START RequestId: ")
    assert [line.rpartition("\t")[2] for line in printed] == ["one", "two"]
    assert end.startswith("END RequestId: ")
    assert "Max Memory Used: " in report


def test_a_crash_is_told_and_the_next_invocation_works(function: Function) -> None:
    failure = function.failure(do("exit", 3))

    assert failure["errorType"] == "Runtime.ExitError"
    assert failure["errorMessage"].endswith("exit status 3")
    assert function.result(do("return", 1)) == 1


def test_a_time_out_is_told_and_the_next_invocation_works(function: Function) -> None:
    function.client.update_function_configuration(FunctionName=function.name, Timeout=1)
    function.wait()
    try:
        assert function.failure(do("sleep", 30))["errorMessage"].endswith("Task timed out after 1.00 seconds")
    finally:
        function.client.update_function_configuration(FunctionName=function.name, Timeout=10)
        function.wait()
    assert function.result(do("return", 1)) == 1


def test_an_initialisation_that_fails_is_told(make: MakeFunction, runtime: str, family: Family) -> None:
    broken = {"Code": {"ZipFile": archive(family.broken)}}

    answer = make("", Runtime=runtime, Handler=family.handler, **broken).invoke()

    assert answer.error == "Unhandled"
    assert answer.result["errorType"] == family.broken_error
    assert "not today" in answer.logs


def test_a_handler_that_is_missing_is_told(make: MakeFunction, runtime: str, family: Family) -> None:
    if runtime.startswith("provided"):
        pytest.skip("the handler is its own affair")
    code = {"ZipFile": archive(family.files)}

    failure = make("", Runtime=runtime, Handler="app.nothing", Code=code).failure()

    assert failure["errorType"] == "Runtime.HandlerNotFound"
    assert "nothing" in failure["errorMessage"]


# What is Node.js's own


type NodeFunction = Callable[..., Function]
NODES = [name for name in FAMILIES if name.startswith("nodejs")]


@pytest.fixture
def node(make: MakeFunction) -> NodeFunction:
    """Return a function that creates a Lambda function of files, with the handler `app.handler`."""

    def made(runtime: str, files: Mapping[str, str], **more: Any) -> Function:
        return make("", Runtime=runtime, Handler="app.handler", Code={"ZipFile": archive(files)}, **more)

    return made


@pytest.mark.parametrize("runtime", ["nodejs20.x", "nodejs22.x"], indirect=True)
def test_a_callback_answers(node: NodeFunction, runtime: str) -> None:
    source = """
        exports.handler = (event, context, callback) => {
            context.callbackWaitsForEmptyEventLoop = false;
            setTimeout(() => event ? callback(null, {got: event}) : callback(new Error("nothing")), 10);
        };
    """
    made = node(runtime, {"app.js": source})

    assert made.result("it") == {"got": "it"}
    assert made.failure()["errorMessage"] == "nothing"


@pytest.mark.parametrize("runtime", NODES, indirect=True)
def test_a_rejection_that_nobody_handles_is_told(node: NodeFunction, runtime: str) -> None:
    source = """
        export const handler = async (event) => {
            if (event !== "reject") return process.pid;
            Promise.reject(new RangeError("lost"));
            await new Promise((resolve) => setTimeout(resolve, 5000));
        };
    """
    made = node(runtime, {"app.mjs": source})
    pid = made.result()

    answer = made.invoke("reject")

    # As AWS's runtime client does: from Node.js 24 on, the process ends.
    kind = "ExitError" if runtime == "nodejs24.x" else "UnhandledPromiseRejection"
    assert answer.result["errorType"] == f"Runtime.{kind}"
    assert "RangeError: lost" in answer.logs
    assert made.result() != pid


@pytest.mark.parametrize("runtime", NODES, indirect=True)
def test_a_stream_is_the_response(node: NodeFunction, runtime: str) -> None:
    source = """
        exports.handler = awslambda.streamifyResponse(async (event, stream) => {
            stream.setContentType("application/json");
            for (const part of ["[1,", "2,", "3]"]) {
                stream.write(part);
                if (event === "break") throw new RangeError("in the middle");
            }
            stream.end();
        });
    """
    made = node(runtime, {"app.js": source})

    assert made.result() == [1, 2, 3]
    assert made.failure("break")["errorMessage"] == "in the middle"


@pytest.mark.parametrize("runtime", ["nodejs22.x"], indirect=True)
def test_a_stream_begins_with_a_status_headers_and_cookies(
    node: NodeFunction, endpoint: Endpoint, runtime: str
) -> None:
    if endpoint.backend != "ministack":
        pytest.skip("what a function URL makes of a stream is the harness's own on MiniStack alone")
    source = """
        exports.handler = awslambda.streamifyResponse(async (event, stream) => {
            const first = { statusCode: 206, headers: { "X-Kind": "stream" }, cookies: ["a=1"] };
            const answer = awslambda.HttpResponseStream.from(stream, first);
            answer.write("moon");
            answer.end();
        });
    """
    made = node(runtime, {"app.js": source})
    url = made.client.create_function_url_config(
        FunctionName=made.name, AuthType="NONE", InvokeMode="RESPONSE_STREAM"
    )["FunctionUrl"]

    answer = ApiClient.of(endpoint, url).get()

    assert (answer.status, answer.body) == (206, b"moon")
    assert (answer.headers["x-kind"], answer.headers["set-cookie"]) == ("stream", "a=1")


@pytest.mark.parametrize("runtime", NODES, indirect=True)
@pytest.mark.parametrize(
    "source",
    [
        """
        const { word } = require("words");
        const { S3Client } = require("@aws-sdk/client-s3");
        exports.handler = async () => [word, typeof S3Client];
        """,
        """
        import { word } from "words";
        import { S3Client } from "@aws-sdk/client-s3";
        export const handler = async () => [word, typeof S3Client];
        """,
    ],
    ids=["CommonJS", "ES module"],
)
def test_modules_come_from_layers_and_from_the_runtime(
    node: NodeFunction, endpoint: Endpoint, runtime: str, source: str
) -> None:
    module = "nodejs/node_modules/words"
    files = {f"{module}/package.json": '{"main": "words.js"}', f"{module}/words.js": "exports.word = 'yes';"}
    client = clients.client(endpoint, "lambda")
    layer = client.publish_layer_version(LayerName="modules", Content={"ZipFile": archive(files)})
    name = "app.js" if "exports" in source else "app.mjs"

    made = node(runtime, {name: source}, Layers=[layer["LayerVersionArn"]])

    assert made.result() == ["yes", "function"]


@pytest.mark.parametrize("runtime", NODES, indirect=True)
def test_the_sdk_reaches_the_emulator_and_nothing_else(node: NodeFunction, runtime: str) -> None:
    source = """
        import { STSClient, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
        const asked = async (client) => (await client.send(new GetCallerIdentityCommand({}))).Account;
        export const handler = async (event) => {
            if (!event) return await asked(new STSClient());
            try {
                await asked(new STSClient({ endpoint: "https://sts.amazonaws.com", maxAttempts: 1 }));
            } catch (error) { return error.message; }
        };
    """
    made = node(runtime, {"app.mjs": source})

    assert re.fullmatch(r"\d{12}", made.result())
    assert "ECONNREFUSED sts.amazonaws.com: functions under test reach the emulator only" in made.result(
        "out"
    )


@pytest.mark.parametrize("runtime", NODES, indirect=True)
def test_a_syntax_error_is_told(node: NodeFunction, runtime: str) -> None:
    failure = node(runtime, {"app.js": "exports.handler = ("}).failure()

    assert failure["errorType"] == "Runtime.UserCodeSyntaxError"


@pytest.mark.parametrize("runtime", ["nodejs22.x"], indirect=True)
def test_what_lambda_switches_off_in_node_js_is_off_until_it_is_asked_for(
    node: NodeFunction, runtime: str
) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html#nodejs-experimental-features."""
    files = {
        "app.js": 'exports.handler = async () => require("./words.mjs").words;',
        "words.mjs": 'export const words = ["moon"];',
    }
    asked = {"NODE_OPTIONS": "--enable-source-maps --experimental-require-module"}

    assert "require() of ES Module" in node(runtime, files).failure()["errorMessage"]
    assert node(runtime, files, Environment={"Variables": asked}).result() == ["moon"]


# What can't run


def test_a_runtime_that_can_not_be_had_is_one_line_that_says_what_to_install(
    make: MakeFunction, endpoint: Endpoint
) -> None:
    if endpoint.backend == "container":
        pytest.skip("its image has one Python, and nobody prepares another")
    reason = refusal(make, Runtime="python3.8")

    assert "its runtime python3.8 can't be had: runtime: expected python3.9 or later" in reason


@pytest.mark.skipif(not shutil.which("gcc"), reason="needs a compiler")
def test_a_compiled_bootstrap_runs(make: MakeFunction, tmp_path: Path) -> None:
    source = tmp_path / "bootstrap.c"
    source.write_text(COMPILED, "utf-8")
    subprocess.run(["gcc", "-static", "-o", tmp_path / "bootstrap", source], check=True)
    code = {"ZipFile": archive({"bootstrap": (tmp_path / "bootstrap").read_bytes()})}

    failure = make("", Runtime="provided.al2023", Handler="any", Code=code).failure()

    assert failure["errorMessage"].endswith("exit status 9")


# As in https://docs.aws.amazon.com/lambda/latest/dg/runtimes-walkthrough.html
ECHO = """#!/bin/sh
set -eu
next="http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation"
while true
do
  headers="$(mktemp)"
  event=$(curl -sS -LD "$headers" "$next/next")
  id=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$headers" | tr -d '[:space:]' | cut -d: -f2)
  curl -sS "$next/$id/response" -d "Echoing request: '$event'"
done
"""


@pytest.mark.skipif(not shutil.which("curl"), reason="the script needs curl")
@pytest.mark.usefixtures("on_this_machine")
def test_a_bootstrap_answers_with_a_text_that_is_no_json(make: MakeFunction) -> None:
    made = make("", Runtime="provided.al2023", Handler="any", Code={"ZipFile": archive({"bootstrap": ECHO})})

    answer = made.client.invoke(FunctionName=made.name, Payload=b'{"a": 1}')

    assert "FunctionError" not in answer
    assert answer["Payload"].read() == b"Echoing request: '{\"a\": 1}'"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"main": "#!/bin/sh"}, "expected an executable `bootstrap`"),
        ({"bootstrap": "#!/no/such/shell"}, "asks for /no/such/shell"),
        (
            {"bootstrap": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xf3\x00" + bytes(60)},
            "built for riscv64",
        ),
    ],
)
def test_a_bootstrap_that_can_not_run_is_told_at_once(
    make: MakeFunction, files: Mapping[str, str | bytes], told: str
) -> None:
    code = {"ZipFile": archive(files)}

    assert told in refusal(make, Runtime="provided.al2023", Handler="any", Code=code)


@pytest.mark.parametrize(
    ("runtime", "content"),
    [
        ("python3.13", b"no zip"),
        ("nodejs22.x", b"no zip"),
        ("provided.al2023", b"no zip"),
        ("python3.13", b""),
    ],
)
def test_a_zip_that_is_none_is_refused_and_nothing_is_left(
    make: MakeFunction, endpoint: Endpoint, runtime: str, content: bytes
) -> None:
    name = f"no-zip-{uuid4().hex[:8]}"

    reason = refusal(make, FunctionName=name, Runtime=runtime, Code={"ZipFile": content})

    assert "uploaded file" in reason.lower()
    functions = clients.client(endpoint, "lambda").list_functions()["Functions"]
    assert name not in [function["FunctionName"] for function in functions]


def test_a_layer_that_is_not_there_is_refused_by_name(make: MakeFunction, layer: str) -> None:
    missing = f"{layer.rpartition(':')[0]}:99"

    assert missing in refusal(make, Layers=[missing])


COMPILED = """
#include <stdio.h>
#include <stdlib.h>
int main(void) {
    puts(getenv("AWS_LAMBDA_RUNTIME_API") ? "compiled" : "no address");
    return 9;
}
"""
