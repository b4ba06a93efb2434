"""Each of these tests fails for a reason of its own. The last lines of the run name it, and no other."""

from __future__ import annotations

import re
import zipfile
from html import unescape
from typing import TYPE_CHECKING

import pytest

from tests.contract.small_stack import SmallStack

if TYPE_CHECKING:
    from pathlib import Path

    from harness import Endpoint, Settings

pytestmark = pytest.mark.anywhere

WRONG_KEY = """
import boto3

def handler(*_):
    boto3.client("s3").put_object(Bucket="why-000000000000", Key="other", Body=b"")
"""
# The function of each reason, and what is to be told of it; the file is that of the project, not of the zip.
FUNCTIONS = {
    "import_error": (
        "import nowhere_to_be_found",
        r"function returned: .*No module named 'nowhere_to_be_found'.*",
    ),
    "missing_variable": (
        "import os\n\ndef handler(*_):\n    return os.environ['BUCKET_NAME']",
        r"function returned: KeyError: 'BUCKET_NAME' \(src/missing_variable\.py:4\)",
    ),
    "dead_letter": (
        "def handler(event, _):\n    raise ValueError('no size')",
        r"function returned: ValueError: no size \(src/dead_letter\.py:2\)",
    ),
    "time_out": (
        "import time\n\ndef handler(*_):\n    time.sleep(30)",
        r"function returned: .*[Tt]imed out.*",
    ),
    "refused": (
        "from urllib.request import urlopen\ndef handler(*_):\n    urlopen('http://example.org', timeout=2)",
        r"refused by the harness, as it is not the emulator: .*example\.org.*",
    ),
    "denied": (
        "import boto3\n\ndef handler(*_):\n    boto3.client('s3').list_buckets()",
        r"function returned: AccessDenied: .* s3:ListAllMyBuckets.*\(src/denied\.py:4\)",
    ),
    "wrong_key": (
        WRONG_KEY,
        r"AssertionError: assert \['other'\] == \['expected'\]",
    ),
}
ANSWERS = "import os\n\ndef handler(*_):\n    return {'statusCode': 200, 'body': os.environ['NOWHERE']}"
# Not each backend enforces roles, and the functions of a container have a dead proxy in place of the gate.
ONLY_ON = {"denied": {"ministack"}, "refused": {"host", "localemu", "ministack"}}
OTHERS = {
    "server_error": r"GET / answered 50\d: KeyError: 'NOWHERE' \(src/server_error\.py:4\)",
    "wrong_pattern": r"matched a rule: no rule matches it; bus default has \d+",
    "wrong_data": r"AssertionError: the answer\b.*",
}
PATIENCE = 40.0  # seconds that a loaded machine may need for what takes 3
TESTS = """
import pytest
from harness import eventually
from harness.aws.logs import invocations, log_events

def ran(stack, function):
    found = invocations(log_events(stack.client("logs"), function))
    return [attempt for attempt in found if attempt.is_over]

@pytest.mark.parametrize("function", {functions})
def test_stored(deployment, function):
    deployment.fire(source=function, detail_type="go", detail={{}})
    if function == "wrong_key":
        eventually(lambda: ran(deployment, function), what="its end", timeout=60)
        assert deployment.bucket().keys() == ["expected"]
    deployment.bucket().wait_for("expected", timeout=100)

def test_wrong_pattern(deployment):
    deployment.fire(source="wrong_pattern", detail_type="misspelt", detail={{}})
    deployment.bucket().wait_for("expected", timeout=100)

def test_server_error(deployment):
    assert deployment.api().get("/").status == 200

def test_wrong_data(deployment):
    answer = {{"size": 1}}
    assert answer == {{"size": 2}}, "the answer"
"""
ROOT = """
variable "functions" {
  type    = set(string)
  default = %s
}
data "aws_caller_identity" "me" {}
resource "aws_s3_bucket" "b" {
  bucket        = "why-${data.aws_caller_identity.me.account_id}"
  force_destroy = true
}
resource "aws_iam_role" "f" {
  name = "why"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" }
  }] })
}
resource "aws_iam_role_policy" "f" {
  role = aws_iam_role.f.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Effect = "Allow", Action = ["s3:PutObject", "sqs:SendMessage", "logs:*"], Resource = "*"
  }] })
}
resource "aws_lambda_function" "f" {
  for_each      = var.functions
  function_name = each.key
  role          = aws_iam_role.f.arn
  runtime       = "python3.13"
  handler       = "${each.key}.handler"
  filename      = "${path.module}/${each.key}.zip"
  timeout       = each.key == "time_out" ? 1 : 20
  depends_on    = [aws_iam_role_policy.f]
}
resource "aws_lambda_function" "api" {
  function_name = "server_error"
  role          = aws_iam_role.f.arn
  runtime       = "python3.13"
  handler       = "server_error.handler"
  filename      = "${path.module}/server_error.zip"
  timeout       = 20
}
resource "aws_lambda_function_url" "api" {
  function_name      = aws_lambda_function.api.function_name
  authorization_type = "NONE"
}
resource "aws_lambda_function_event_invoke_config" "f" {
  for_each               = aws_lambda_function.f
  function_name          = each.value.function_name
  maximum_retry_attempts = 0
  dynamic "destination_config" {
    for_each = each.key == "dead_letter" ? [1] : []
    content {
      on_failure {
        destination = aws_sqs_queue.dead.arn
      }
    }
  }
}
resource "aws_sqs_queue" "dead" {
  name = "why-dead"
}
resource "aws_cloudwatch_event_rule" "r" {
  for_each      = aws_lambda_function.f
  name          = each.key
  event_pattern = jsonencode({ source = [each.key], detail-type = ["go"] })
}
resource "aws_cloudwatch_event_target" "t" {
  for_each = aws_lambda_function.f
  rule     = aws_cloudwatch_event_rule.r[each.key].name
  arn      = each.value.arn
}
resource "aws_lambda_permission" "p" {
  for_each      = aws_lambda_function.f
  function_name = each.value.function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.r[each.key].arn
}
"""


def write_functions(folder: Path, functions: list[str]) -> None:
    """Write the root and the functions that fail, with their sources and zips, into a project."""
    root, sources = folder / "terraform", folder / "src"
    (root / "main.tf").write_text(ROOT % str(functions).replace("'", '"'), "utf-8")
    sources.mkdir()
    programs = {name: FUNCTIONS[name][0] for name in functions} | {"server_error": ANSWERS}
    for name, program in programs.items():
        (sources / f"{name}.py").write_text(program, "utf-8")
        with zipfile.ZipFile(root / f"{name}.zip", "w") as archive:
            archive.writestr(f"{name}.py", program)


@pytest.fixture
def functions(endpoint: Endpoint) -> list[str]:
    """Return the reasons for which a function can fail on the backend."""
    if endpoint.backend in {"aws", "external"}:
        pytest.skip(f"starts an emulator of its own: not on the backend {endpoint.backend}")
    return [name for name in FUNCTIONS if endpoint.backend in ONLY_ON.get(name, {endpoint.backend})]


@pytest.mark.slow
def test_the_last_lines_tell_the_reason_of_each_failure_and_no_other(
    harness_settings: Settings, tmp_path: Path, functions: list[str]
) -> None:
    project = SmallStack.made(harness_settings, tmp_path, TESTS.format(functions=functions))
    write_functions(tmp_path, functions)

    done = project.pytest("--durations=0", "-vv", "--harness-report=report.html")

    expected = {f"test_it.py::test_stored[{name}]": FUNCTIONS[name][1] for name in functions}
    expected |= {f"test_it.py::test_{name}": told for name, told in OTHERS.items()}
    last = re.split("=+ why =+\n", done.stdout)[-1]
    told = dict(re.findall(r"^✗ (.*)\n    (\S+)$", last, re.MULTILINE))
    found = {test: cause for cause, test in told.items()}
    assert found.keys() == expected.keys(), done.stdout
    ways = re.findall(r"^event .*:\n((?:  .*\n)+)", done.stdout, re.MULTILINE)
    assert {way.count("  ✗ ") for way in ways} <= {0, 1}, done.stdout
    # Each waits up to 100 s for what can't come: on a quiet machine, that ends after 2 to 4.
    calls = [float(seconds) for seconds in re.findall(r"^([\d.]+)s call ", done.stdout, re.MULTILINE)]
    assert max(calls) < PATIENCE, done.stdout
    for test, pattern in expected.items():
        assert re.fullmatch(pattern, found[test]), (test, found[test])
    without_place = {re.sub(r" \([^()]+:\d+\)$", "", cause): test for cause, test in told.items()}
    assert _reported(tmp_path / "report.html") == without_place


def _reported(report: Path) -> dict[str, str]:
    """Return the causes at the beginning of a report, each with its test."""
    verdict, section = report.read_text("utf-8").split('<section class="panel" id="failures"')
    assert verdict.count("<section") == 1, "what failed stands right below the verdict"
    failures = section.partition("</section>")[0]
    causes = re.findall(r'<p class="cause">([^<]*)</p>', failures)
    tests = re.findall(r'<a href="#test-\d+">([^<]*)</a>', failures)
    return dict(zip(map(unescape, causes), map(unescape, tests), strict=True))
