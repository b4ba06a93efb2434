"""One function while somebody works on it: its sources run as they are saved, its lines are measured,
and a debugger stops it.
"""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from coverage import Coverage

from harness import deployed_at
from harness.coverage.functions import FunctionCoverage
from harness.functions.debugger import debugged
from harness.lifetimes.hot import HotSources
from harness.session import zip_variables
from harness.settings import PackageSettings
from tests.dap import Debugger

if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterator

    from harness import Deployment, Endpoint, Settings

TIMEOUT = 3  # seconds, as it is without a setting
ROOT = """
variable "lambda_zip" {
  type = string
}
resource "aws_iam_role" "f" {
  name               = "worked-on"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}
resource "aws_lambda_function" "f" {
  function_name = "worked-on"
  filename      = var.lambda_zip
  role          = aws_iam_role.f.arn
  handler       = "app.handler"
  runtime       = "python3.13"
}
resource "aws_api_gateway_rest_api" "f" {
  name = "worked-on"
}
resource "aws_api_gateway_method" "f" {
  rest_api_id   = aws_api_gateway_rest_api.f.id
  resource_id   = aws_api_gateway_rest_api.f.root_resource_id
  http_method   = "GET"
  authorization = "NONE"
}
resource "aws_api_gateway_integration" "f" {
  rest_api_id             = aws_api_gateway_rest_api.f.id
  resource_id             = aws_api_gateway_rest_api.f.root_resource_id
  http_method             = aws_api_gateway_method.f.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_function.f.invoke_arn
  timeout_milliseconds    = 1000
}
resource "aws_api_gateway_deployment" "f" {
  rest_api_id = aws_api_gateway_integration.f.rest_api_id
}
resource "aws_api_gateway_stage" "f" {
  rest_api_id   = aws_api_gateway_rest_api.f.id
  deployment_id = aws_api_gateway_deployment.f.id
  stage_name    = "v1"
}
resource "aws_lambda_permission" "f" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.f.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.f.execution_arn}/*"
}
output "api_url" {
  value = aws_api_gateway_stage.f.invoke_url
}
"""
SOURCE = """
def handler(event, context):
    if "httpMethod" in event:
        return {{"statusCode": 200, "body": "waited for"}}
    total = 0
    for number in event.get("numbers", []):
        total += number
    if total > 100:
        return "much"
    return {answer!r}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedOn:
    """The function.

    Attributes:
        settings: The settings of its stack.
        stack: The stack that it belongs to.
        module: Its source.
    """

    settings: Settings
    stack: Deployment
    module: Path

    def saved(self, answer: str) -> None:
        self.module.write_text(SOURCE.format(answer=answer), "utf-8")

    def answer(self, **event: Any) -> str:  # noqa: ANN401
        told = self.stack.client("lambda").invoke(FunctionName="worked-on", Payload=json.dumps(event))
        return str(json.loads(told["Payload"].read()))


@pytest.fixture(scope="module")
def worked_on(
    harness_settings: Settings, endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkedOn]:
    if endpoint.backend not in {"host", "localemu", "ministack"}:
        pytest.skip("the function is to be a process of this machine")
    folder = tmp_path_factory.mktemp("worked_on").resolve()
    source = folder / "app"
    source.mkdir()
    (folder / "main.tf").write_text(ROOT, "utf-8")
    (source / "__init__.py").write_text(SOURCE.format(answer="zip"), "utf-8")
    package = PackageSettings(source=source, output=folder / "app.zip")
    settings = replace(harness_settings, terraform_dir=folder, package=package, variables={})
    own = replace(endpoint, access_key="111122223333")
    with deployed_at(settings, own, destroy=not endpoint.is_temporary) as stack:
        yield WorkedOn(settings=settings, stack=stack, module=source / "__init__.py")


def test_the_next_invocation_runs_what_is_saved(worked_on: WorkedOn, endpoint: Endpoint) -> None:
    reload = HotSources(settings=worked_on.settings)
    assert worked_on.answer() == "zip"
    (zipped,) = zip_variables(worked_on.settings, running=endpoint.backend).values()
    reload.begin(endpoint, {zipped: hashlib.sha256(Path(zipped).read_bytes()).hexdigest()})
    for text in ("first", "the second"):
        worked_on.saved(text)
        reload.saved()
        assert worked_on.answer() == text

    reload.end()
    worked_on.saved("zip")
    assert worked_on.answer() == "zip"


def test_the_lines_of_a_function_are_those_of_its_handler_in_process(
    worked_on: WorkedOn, endpoint: Endpoint
) -> None:
    source = worked_on.module.parent
    measurement = Coverage(data_file=None, config_file=False, source=[str(source)], branch=True)
    measurement.start()
    measurement.stop()
    with FunctionCoverage(measurement=measurement, folders=[source]).of(endpoint):
        assert worked_on.answer(numbers=[1, 2]) == "zip"

    found = sorted(measurement.get_data().arcs(str(worked_on.module)) or ())
    measurement.get_data().close(force=True)
    assert found == in_process(worked_on.module, {"numbers": [1, 2]})


def in_process(module: Path, event: object) -> list[tuple[int, int]]:
    """Return the arcs that the handler of a module runs in a process of its own."""
    program = f"""
import json, sys
from coverage import Coverage
made = Coverage(data_file=None, config_file=False, source=[{str(module.parent)!r}], branch=True)
made.start()
sys.path.insert(0, {str(module.parents[1])!r})
import app
app.handler({event!r}, None)
made.stop()
print(json.dumps(sorted(made.get_data().arcs({str(module)!r}))))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return [(begin, end) for begin, end in json.loads(done.stdout)]


def test_a_debugger_stops_a_function_in_the_project_s_source_past_its_time_out(
    worked_on: WorkedOn, capsys: pytest.CaptureFixture[str]
) -> None:
    port, line = free_port(), number_of("total += number")
    debugging = debugged(worked_on.stack, "worked-on", worked_on.settings, port=port, tell=print)
    with debugging, ThreadPoolExecutor(1) as thread:
        answer = thread.submit(worked_on.answer, numbers=[1000])
        with Debugger.attached(port, worked_on.module, line) as editor:
            stopped = editor.event("stopped")
            time.sleep(TIMEOUT + 0.5)
            frame = editor.ask("stackTrace", threadId=stopped["threadId"])["stackFrames"][0]
            assert (frame["source"]["path"], frame["line"]) == (str(worked_on.module), line)
            assert variables(editor, frame["id"]) >= {"number": "1000", "total": "0"}.items()
            editor.ask("setVariable", variablesReference=scope(editor, frame["id"]), name="number", value="1")
            editor.ask("stepOut", threadId=stopped["threadId"])  # nothing of ours is there to stop at
            assert answer.result(60) == "zip"  # with 1000 it were "much"
    assert f"worked-on waits at 127.0.0.1:{port}" in capsys.readouterr().out
    with debugged(worked_on.stack, "worked-on", worked_on.settings, port=port, tell=print):
        pass  # the port is free again
    assert worked_on.answer(numbers=[1000]) == "much"


def test_an_api_waits_for_a_function_that_a_debugger_has_stopped(worked_on: WorkedOn) -> None:
    port, line = free_port(), number_of("waited for")
    api = worked_on.stack.api("api_url")
    debugging = debugged(worked_on.stack, "worked-on", worked_on.settings, port=port, tell=print)
    with debugging, ThreadPoolExecutor(1) as thread:
        answer = thread.submit(api.get)
        with Debugger.attached(port, worked_on.module, line) as editor:
            stopped = editor.event("stopped")
            time.sleep(TIMEOUT + 0.5)  # past the time-outs of both
            editor.ask("continue", threadId=stopped["threadId"])
            assert (answer.result(60).status, answer.result(60).text) == (200, "waited for")


def number_of(text: str) -> int:
    return next(number for number, line in enumerate(SOURCE.splitlines(), 1) if text in line)


def scope(editor: Debugger, frame: int) -> int:
    return int(editor.ask("scopes", frameId=frame)["scopes"][0]["variablesReference"])


def variables(editor: Debugger, frame: int) -> ItemsView[str, str]:
    found = editor.ask("variables", variablesReference=scope(editor, frame))["variables"]
    return {each["name"]: each["value"] for each in found}.items()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
