"""A stack that is restored on another emulator works like the stack that was applied."""

from __future__ import annotations

import json
import zipfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from harness import BackendError, Deployment, Endpoint, Settings, backends, deployed_at, eventually
from harness.base.telemetry import timeline
from harness.session import baseline_of
from harness.stack.snapshots import state

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anywhere  # a container has the same LocalStack as a process
ACCOUNT = "606060606060"
HANDLER = """
import json, os, boto3

def handler(event, context):
    body = json.dumps(event)
    key = "seen/" + context.aws_request_id
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=key, Body=body)
    return {"statusCode": 200, "body": "version " + context.function_version}
"""
ROOT = """
data "aws_region" "here" {}

resource "aws_kms_key" "data" {}

resource "aws_s3_bucket" "data" {
  bucket        = "restored-${data.aws_region.here.name}-606060606060"
  force_destroy = true
}

resource "aws_s3_object" "seed" {
  bucket  = aws_s3_bucket.data.id
  key     = "seed.txt"
  content = "planted"
}

resource "aws_iam_role" "function" {
  name = "restored"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } },
    ]
  })
}

resource "aws_iam_role_policy" "function" {
  role = aws_iam_role.function.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "s3:PutObject", Resource = "${aws_s3_bucket.data.arn}/*" },
      { Effect = "Allow", Action = "sqs:*", Resource = aws_sqs_queue.work.arn },
      { Effect = "Allow", Action = "logs:*", Resource = "*" },
    ]
  })
}

resource "aws_lambda_function" "app" {
  function_name = "restored"
  filename      = "app.zip"
  handler       = "app.handler"
  runtime       = "python3.13"
  role          = aws_iam_role.function.arn
  publish       = true
  environment {
    variables = { BUCKET = aws_s3_bucket.data.id }
  }
}

resource "aws_sqs_queue" "work" {
  name = "restored"
}

resource "aws_lambda_event_source_mapping" "work" {
  event_source_arn = aws_sqs_queue.work.arn
  function_name    = aws_lambda_function.app.arn
}

resource "aws_cloudwatch_event_rule" "order" {
  name          = "restored"
  event_pattern = jsonencode({ source = ["restored"] })
}

resource "aws_cloudwatch_event_target" "order" {
  rule = aws_cloudwatch_event_rule.order.name
  arn  = aws_lambda_function.app.arn
}

resource "aws_lambda_permission" "order" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.app.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.order.arn
}

resource "aws_sns_topic" "news" {
  name = "restored"
}

resource "aws_sns_topic_subscription" "news" {
  topic_arn = aws_sns_topic.news.arn
  protocol  = "lambda"
  endpoint  = aws_lambda_function.app.arn
}

resource "aws_lambda_permission" "news" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.app.function_name
  principal     = "sns.amazonaws.com"
  source_arn    = aws_sns_topic.news.arn
}

resource "aws_dynamodb_table" "orders" {
  name         = "restored"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  attribute {
    name = "id"
    type = "S"
  }
}

resource "aws_dynamodb_table_item" "seed" {
  table_name = aws_dynamodb_table.orders.name
  hash_key   = "id"
  item       = jsonencode({ id = { S = "seed" } })
}

resource "aws_ssm_parameter" "flag" {
  name  = "/restored/flag"
  type  = "SecureString"
  value = "on"
}

resource "aws_secretsmanager_secret" "token" {
  name = "restored"
}

resource "aws_secretsmanager_secret_version" "token" {
  secret_id     = aws_secretsmanager_secret.token.id
  secret_string = "hush"
}

resource "aws_sfn_state_machine" "steps" {
  name     = "restored"
  role_arn = aws_iam_role.function.arn
  definition = jsonencode({
    StartAt = "Done"
    States  = { Done = { Type = "Pass", Result = { done = true }, End = true } }
  })
}

resource "aws_api_gateway_rest_api" "api" {
  name = "restored"
}

resource "aws_api_gateway_method" "get" {
  rest_api_id   = aws_api_gateway_rest_api.api.id
  resource_id   = aws_api_gateway_rest_api.api.root_resource_id
  http_method   = "GET"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "get" {
  rest_api_id             = aws_api_gateway_rest_api.api.id
  resource_id             = aws_api_gateway_rest_api.api.root_resource_id
  http_method             = aws_api_gateway_method.get.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_function.app.invoke_arn
}

resource "aws_lambda_permission" "api" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.app.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.api.execution_arn}/*"
}

resource "aws_api_gateway_deployment" "live" {
  rest_api_id = aws_api_gateway_rest_api.api.id
  depends_on  = [aws_api_gateway_integration.get]
}

resource "aws_api_gateway_stage" "live" {
  rest_api_id   = aws_api_gateway_rest_api.api.id
  deployment_id = aws_api_gateway_deployment.live.id
  stage_name    = "live"
}

resource "terraform_data" "note" {
  provisioner "local-exec" {
    command = "mkdir made && printf %s ${aws_sqs_queue.work.url} > made/note.txt"
  }
}

output "url" {
  value = aws_api_gateway_stage.live.invoke_url
}

output "queue_url" {
  value = aws_sqs_queue.work.url
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A stack and its restoration.

    Attributes:
        settings: The settings of both.
        applied: The stack that was applied, which still exists.
        restored: The restored stack, on another emulator.
        phases: The phases of the restoration.
        sealed: A text that the first has encrypted.
    """

    settings: Settings
    applied: Deployment
    restored: Deployment
    phases: list[str]
    sealed: bytes


@contextmanager
def brought_up(settings: Settings, endpoint: Endpoint) -> Iterator[tuple[Deployment, list[str]]]:
    """Bring up the stack in its account, with snapshots. Yield it with the phases of that."""
    phases: list[str] = []
    alone = replace(endpoint, access_key=ACCOUNT)
    with ExitStack() as resources:
        with timeline.ENDED.heard_by(lambda span: phases.append(span.name)):
            stack = resources.enter_context(deployed_at(settings, alone, destroy=False, snapshots=True))
        yield stack, phases


@pytest.fixture(scope="module")
def pair(
    harness_settings: Settings, endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """Provide the stack, applied on the run's emulator, and restored on another one."""
    if endpoint.backend in {"aws", "external"}:
        pytest.skip(f"the backend {endpoint.backend} outlives a run, so no snapshot is taken of it")
    folder = tmp_path_factory.mktemp("restored")
    (folder / "main.tf").write_text(ROOT, "utf-8")
    with zipfile.ZipFile(folder / "app.zip", "w") as archive:
        archive.writestr("app.py", HANDLER)
    settings = replace(harness_settings, terraform_dir=folder, package=None, variables={}, port=0)
    with brought_up(settings, endpoint) as (applied, _):
        key = applied.resources("aws_kms_key")[0].values["key_id"]
        sealed = applied.client("kms").encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
        with (
            backends.started(settings) as other,
            brought_up(settings, other) as (restored, phases),
        ):
            yield Pair(settings=settings, applied=applied, restored=restored, phases=phases, sealed=sealed)


def seen(stack: Deployment, what: str) -> bool:
    """Return whether the function sees an event that contains `what`, within the usual time."""
    bucket = stack.bucket()

    def bodies() -> list[str]:
        return [each.body.decode() for each in bucket.objects("seen/")]

    found = eventually(
        lambda: [body for body in bodies() if what in body], what=f"an event with {what}", timeout=60
    )
    return bool(found)


def test_terraform_does_not_run_for_it(pair: Pair) -> None:
    assert pair.phases == ["restore snapshot"]


def test_a_plan_finds_nothing_to_change(pair: Pair) -> None:
    assert pair.restored.plan() == []


def test_its_urls_are_those_of_the_emulator_it_is_on(pair: Pair) -> None:
    before, after = (state.address_of(stack.endpoint) for stack in (pair.applied, pair.restored))

    assert before != after
    told = json.dumps(
        [dict(pair.restored.outputs.values), [dict(r.values) for r in pair.restored.resources()]]
    )
    assert before not in told
    assert (
        f":{urlsplit(pair.applied.endpoint.url).port}" not in told
    )  # under another name, as of a queue's URL
    assert (pair.restored.terraform.root / "made" / "note.txt").read_text() == pair.restored.outputs[
        "queue_url"
    ]


def test_what_terraform_has_put_there_is_there(pair: Pair) -> None:
    stack = pair.restored

    assert stack.bucket().get("seed.txt").body == b"planted"
    assert [item["id"] for item in stack.table().items()] == ["seed"]
    assert stack.secret().get() == "hush"
    assert stack.parameter().get() == "on"


def test_a_key_decrypts_what_it_has_encrypted_before(pair: Pair) -> None:
    assert pair.restored.client("kms").decrypt(CiphertextBlob=pair.sealed)["Plaintext"] == b"secret"


def test_a_function_runs_and_so_does_its_version(pair: Pair) -> None:
    function = pair.restored.function()

    assert function.invoke({}).payload["body"] == "version $LATEST"
    answer = pair.restored.client("lambda").invoke(FunctionName="restored", Qualifier="1", Payload=b"{}")
    assert json.loads(answer["Payload"].read())["body"] == "version 1"


def test_an_event_finds_its_rule(pair: Pair) -> None:
    word = uuid4().hex
    pair.restored.fire(source="restored", detail_type="Order", detail={"word": word})

    assert seen(pair.restored, word)


def test_a_message_finds_its_function(pair: Pair) -> None:
    word = uuid4().hex
    pair.restored.queue().send({"word": word})

    assert seen(pair.restored, word)


def test_a_notification_finds_its_function(pair: Pair) -> None:
    word = uuid4().hex
    pair.restored.topic().publish(word)

    assert seen(pair.restored, word)


def test_a_state_machine_runs(pair: Pair) -> None:
    assert pair.restored.state_machine().run({}) == {"done": True}


def test_the_api_answers(pair: Pair) -> None:
    answer = pair.restored.api().get("/")

    assert (answer.status, answer.text) == (200, "version $LATEST")


def test_nothing_of_the_two_is_shared(pair: Pair) -> None:
    pair.restored.bucket().put("only/here.txt", b"")

    assert pair.applied.bucket().keys("only/") == []


def test_a_change_is_applied_to_what_is_restored(pair: Pair) -> None:
    root = pair.settings.terraform_dir / "main.tf"
    before = root.read_text("utf-8")
    root.write_text(before.replace('"planted"', '"planted anew"'), "utf-8")
    try:
        with (
            backends.started(pair.settings) as other,
            brought_up(pair.settings, other) as (changed, phases),
        ):
            assert phases[0] == "restore snapshot"
            assert "terraform apply" in phases
            assert phases[-1] == "save snapshot"
            assert changed.bucket().get("seed.txt").body == b"planted anew"
            assert changed.bucket().name == pair.applied.bucket().name
    finally:
        root.write_text(before, "utf-8")


def test_what_is_no_state_is_refused_and_nothing_is_lost(pair: Pair) -> None:
    with pytest.raises(BackendError, match="no state of this emulator"):
        state.put(pair.restored.endpoint, b"no state")

    assert pair.restored.bucket().get("seed.txt").body == b"planted"


def test_a_test_can_begin_with_everything_as_it_was_applied(pair: Pair) -> None:
    stack, word = pair.restored, uuid4().hex
    (rule,) = stack.resources("aws_cloudwatch_event_rule")
    baseline = baseline_of(pair.settings, stack)
    stack.client("s3").delete_object(Bucket=stack.bucket().name, Key="seed.txt")
    stack.client("s3").create_bucket(
        Bucket="stray", CreateBucketConfiguration={"LocationConstraint": stack.endpoint.region}
    )
    stack.parameter().put("off")
    stack.client("events").disable_rule(Name=rule.values["name"])
    stack.client("lambda").update_function_configuration(FunctionName="restored", Timeout=7)

    baseline.restore()

    assert stack.bucket().keys() == ["seed.txt"]
    assert [each["Name"] for each in stack.client("s3").list_buckets()["Buckets"]] == [stack.bucket().name]
    assert stack.parameter().get() == "on"
    assert stack.plan() == []
    stack.queue().send({"word": word})
    assert seen(stack, word)
    stack.fire(source="restored", detail_type="Order", detail={"word": f"event {word}"})
    assert seen(stack, f"event {word}")
