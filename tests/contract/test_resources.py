"""The views of a stack with one resource of each kind, on every backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness import eventually
from harness.errors import ResourceError
from tests.contract.small_stack import applied_alone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness import Deployment, Endpoint, Settings

pytestmark = pytest.mark.anywhere

ACCOUNT = "444444444444"
SHORTEST_KEY = 20  # characters
HANDLER = """
import json, os
import boto3

def handler(event, _context):
    print(json.dumps(event))
    if "read" in event:
        return boto3.client("ssm").get_parameter(Name=event["read"])["Parameter"]["Value"]
    if event.get("fail"):
        raise ValueError(event["fail"])
    if "requestContext" in event:
        told = {"method": event["requestContext"]["http"]["method"], "body": event.get("body")}
        return {"statusCode": 201, "body": json.dumps(told)}
    key = f"{event.get('source', 'direct')}.json"
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=key, Body=json.dumps(event))
    return {"seen": event}
"""
ROOT = """
provider "aws" {
  region = "eu-west-1"
}
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com", "states.amazonaws.com"]
    }
  }
}
data "aws_iam_policy_document" "write" {
  statement {
    actions   = ["s3:PutObject", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["*"]
  }
}
resource "aws_iam_role" "f" {
  name               = "views"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}
resource "aws_iam_role_policy" "f" {
  role   = aws_iam_role.f.id
  policy = data.aws_iam_policy_document.write.json
}
resource "aws_iam_role_policy_attachment" "of_aws" {
  role       = aws_iam_role.f.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess"
}
resource "aws_api_gateway_api_key" "partner" {
  name = "views-partner"
}
resource "aws_s3_bucket" "objects" {
  bucket        = "views-objects"
  force_destroy = true
}
resource "aws_cloudwatch_log_group" "f" {
  name = "/aws/lambda/views"
}
resource "aws_lambda_function" "f" {
  function_name = "views"
  role          = aws_iam_role.f.arn
  runtime       = "python3.13"
  handler       = "app.handler"
  filename      = "${path.module}/app.zip"
  environment {
    variables = { BUCKET = aws_s3_bucket.objects.bucket }
  }
  depends_on = [aws_cloudwatch_log_group.f, aws_iam_role_policy.f]
}
resource "aws_lambda_function_url" "f" {
  function_name      = aws_lambda_function.f.function_name
  authorization_type = "NONE"
}
resource "aws_cloudwatch_event_rule" "wanted" {
  name          = "views-wanted"
  event_pattern = jsonencode({ source = ["views"], detail-type = ["Wanted"] })
}
resource "aws_cloudwatch_event_target" "wanted" {
  rule = aws_cloudwatch_event_rule.wanted.name
  arn  = aws_lambda_function.f.arn
}
resource "aws_cloudwatch_event_rule" "daily" {
  name                = "views-daily"
  schedule_expression = "rate(1 day)"
}
resource "aws_cloudwatch_event_target" "daily" {
  rule  = aws_cloudwatch_event_rule.daily.name
  arn   = aws_lambda_function.f.arn
  input = jsonencode({ source = "daily" })
}
resource "aws_lambda_permission" "events" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.f.function_name
  principal     = "events.amazonaws.com"
}
resource "aws_sns_topic" "news" {
  name = "views-news"
}
resource "aws_sqs_queue" "inbox" {
  name = "views-inbox"
}
resource "aws_sns_topic_subscription" "inbox" {
  topic_arn            = aws_sns_topic.news.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.inbox.arn
  raw_message_delivery = true
}
resource "aws_sqs_queue_policy" "inbox" {
  queue_url = aws_sqs_queue.inbox.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.inbox.arn
    }]
  })
}
resource "aws_dynamodb_table" "orders" {
  name         = "views-orders"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  attribute {
    name = "id"
    type = "S"
  }
}
resource "aws_sfn_state_machine" "flow" {
  name     = "views-flow"
  role_arn = aws_iam_role.f.arn
  definition = jsonencode({
    StartAt = "Choose"
    States = {
      Choose = {
        Type    = "Choice"
        Choices = [{ Variable = "$.ok", BooleanEquals = true, Next = "Done" }]
        Default = "Refuse"
      }
      Done   = { Type = "Pass", Result = { done = true }, End = true }
      Refuse = { Type = "Fail", Error = "Refused", Cause = "it is not ok" }
    }
  })
}
resource "aws_secretsmanager_secret" "key" {
  name = "views-key"
}
resource "aws_ssm_parameter" "limit" {
  name  = "/views/limit"
  type  = "String"
  value = "7"
}
data "aws_kms_alias" "of_aws" {
  name = "alias/aws/s3"
}
data "aws_kms_key" "of_aws" {
  key_id = "alias/aws/sns"
}
output "keys_of_aws" {
  value = [data.aws_kms_alias.of_aws.target_key_arn, data.aws_kms_key.of_aws.arn]
}
output "orders_table" {
  value = aws_dynamodb_table.orders.name
}
"""


@pytest.fixture(scope="module")
def views(
    harness_settings: Settings, endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Apply the root in an account of its own."""
    root = tmp_path_factory.mktemp("views")
    with applied_alone(
        harness_settings, endpoint, root, root=ROOT, handler=HANDLER, account=ACCOUNT
    ) as stack:
        yield stack


def test_a_rule_is_fired_and_its_near_misses_are_not_for_it(views: Deployment) -> None:
    rule = views.rule()

    event = rule.fire(detail={"n": 1})

    written = views.bucket().wait_for("views.json")
    assert event.id.encode() in written.body
    assert {miss.event.get("source") for miss in rule.near_misses()} - {"views"}
    assert views.fire(source="views", detail_type="Wanted", detail={"n": 2}).id


def test_a_schedule_is_run_with_its_own_input(views: Deployment) -> None:
    views.schedule().run()

    assert b'"source": "daily"' in views.bucket("objects").wait_for("daily.json").body


def test_a_function_is_invoked_and_its_log_is_read(views: Deployment) -> None:
    function = views.function()

    good, bad = function.invoke({"a": 1}), function.invoke({"fail": "on purpose"})

    assert good.payload == {"seen": {"a": 1}}
    assert bad.error_message == "on purpose"
    assert bad.error_type in {"ValueError", "Runtime.HandlerError"}  # the second one is MiniStack's
    assert function.wait_for_log("on purpose")
    assert views.log_group().wait_for_log('"a": 1')


def test_a_function_url_gets_what_is_posted(views: Deployment) -> None:
    answer = views.api().post(json={"n": 1})

    assert answer.status == 201
    assert answer.json() == {"method": "POST", "body": '{"n":1}'}


def test_the_keys_of_aws_are_there(views: Deployment) -> None:
    kms = views.client("kms")

    keys = [kms.describe_key(KeyId=arn)["KeyMetadata"] for arn in views.outputs["keys_of_aws"]]

    assert [key["KeyManager"] for key in keys] == ["AWS", "AWS"]
    assert len({key["KeyId"] for key in keys}) == len(keys)


def test_a_topic_delivers_to_a_queue(views: Deployment) -> None:
    views.topic().publish("good news")

    assert views.queue().wait_for("good") == "good news"
    eventually(lambda: views.queue("inbox").peek() == ["good news"], what="the message")


def test_what_is_published_to_a_topic_is_seen(views: Deployment) -> None:
    with views.topic().subscribed() as inbox:
        views.topic().publish({"order": 7})

        assert inbox.wait_for("order") == '{"order": 7}'


def test_a_table_a_secret_and_a_parameter_are_read_and_written(views: Deployment) -> None:
    views.table("orders_table").put({"id": "a", "n": 3})
    views.secret().put("s3cret")
    views.parameter().put("8")

    assert views.table().wait_for({"id": "a"})["n"] == 3
    assert views.secret().get() == "s3cret"
    assert views.parameter("limit").get() == "8"


def test_a_policy_of_aws_allows_what_it_says(views: Deployment) -> None:
    views.parameter().put("9")

    assert views.function().invoke({"read": views.parameter().name}).payload == "9"


def test_a_key_without_a_value_gets_one(views: Deployment) -> None:
    (key,) = views.resources("aws_api_gateway_api_key")

    assert len(key.values["value"]) >= SHORTEST_KEY


def test_a_state_machine_runs_to_its_end_or_says_why_not(views: Deployment) -> None:
    assert views.state_machine().run({"ok": True}) == {"done": True}

    with pytest.raises(Exception, match=r"Refused.*it is not ok"):
        views.state_machine().run({"ok": False})


def test_what_is_not_there_is_told_with_what_is(views: Deployment) -> None:
    with pytest.raises(ResourceError, match=r"(?s)one bucket that 'nowhere' names.*aws_s3_bucket\.objects"):
        views.bucket("nowhere")
