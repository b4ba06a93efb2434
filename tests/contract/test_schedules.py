"""Schedules and scheduled rules with targets of every kind, run at once, on every backend."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from harness import eventually
from tests.contract.small_stack import applied_alone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness import Deployment, Endpoint, Settings

pytestmark = pytest.mark.anywhere

ACCOUNT = "555555555555"
DUE = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
HANDLER = """
import json

def handler(event, _context):
    print("got " + json.dumps(event))
"""
ROOT = """
locals {
  never = "cron(0 0 1 1 ? 2199)"
}
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = [for name in ["lambda", "states", "scheduler", "events"] : "${name}.amazonaws.com"]
    }
  }
}
data "aws_iam_policy_document" "all" {
  statement {
    actions   = ["logs:*", "sqs:SendMessage"]
    resources = ["*"]
  }
  statement {
    actions   = ["kinesis:Describe*", "kinesis:Get*", "kinesis:List*"]
    resources = ["*"]
  }
}
resource "aws_iam_role" "all" {
  name               = "schedules"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}
resource "aws_iam_role_policy" "all" {
  role   = aws_iam_role.all.id
  policy = data.aws_iam_policy_document.all.json
}
resource "aws_cloudwatch_log_group" "f" {
  name = "/aws/lambda/schedules"
}
resource "aws_cloudwatch_log_group" "ticks" {
  name = "/aws/events/ticks"
}
resource "aws_lambda_function" "f" {
  function_name = "schedules"
  role          = aws_iam_role.all.arn
  runtime       = "python3.13"
  handler       = "app.handler"
  filename      = "${path.module}/app.zip"
  depends_on    = [aws_cloudwatch_log_group.f, aws_iam_role_policy.all]
}
resource "aws_lambda_permission" "events" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.f.function_name
  principal     = "events.amazonaws.com"
}
resource "aws_sqs_queue" "inbox" {
  name = "schedules-inbox"
}
data "aws_iam_policy_document" "inbox" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.inbox.arn]
    principals {
      type        = "Service"
      identifiers = ["sns.amazonaws.com", "events.amazonaws.com"]
    }
  }
}
resource "aws_sqs_queue_policy" "inbox" {
  queue_url = aws_sqs_queue.inbox.url
  policy    = data.aws_iam_policy_document.inbox.json
}
resource "aws_sns_topic" "news" {
  name = "schedules-news"
}
resource "aws_sns_topic_subscription" "inbox" {
  topic_arn            = aws_sns_topic.news.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.inbox.arn
  raw_message_delivery = true
}
resource "aws_sfn_state_machine" "flow" {
  name       = "schedules-flow"
  role_arn   = aws_iam_role.all.arn
  definition = jsonencode({ StartAt = "Done", States = { Done = { Type = "Pass", End = true } } })
}
resource "aws_cloudwatch_event_bus" "own" {
  name = "schedules-own"
}
resource "aws_cloudwatch_event_rule" "own" {
  name           = "schedules-own"
  event_bus_name = aws_cloudwatch_event_bus.own.name
  event_pattern  = jsonencode({ source = ["shop", "aws.events"] })
}
resource "aws_cloudwatch_event_target" "own" {
  rule           = aws_cloudwatch_event_rule.own.name
  event_bus_name = aws_cloudwatch_event_bus.own.name
  arn            = aws_sqs_queue.inbox.arn
}
resource "aws_cloudwatch_event_rule" "daily" {
  name                = "schedules-daily"
  schedule_expression = local.never
}
resource "aws_cloudwatch_event_target" "daily_queue" {
  rule = aws_cloudwatch_event_rule.daily.name
  arn  = aws_sqs_queue.inbox.arn
  input_transformer {
    input_paths    = { at = "$.time", rule = "$.resources[0]" }
    input_template = "{\\"transformed\\": <at>, \\"text\\": \\"by <rule>\\"}"
  }
}
resource "aws_cloudwatch_event_target" "daily_topic" {
  rule       = aws_cloudwatch_event_rule.daily.name
  arn        = aws_sns_topic.news.arn
  input_path = "$.detail-type"
}
resource "aws_cloudwatch_event_target" "daily_function" {
  rule = aws_cloudwatch_event_rule.daily.name
  arn  = aws_lambda_function.f.arn
}
resource "aws_cloudwatch_event_target" "daily_logs" {
  rule = aws_cloudwatch_event_rule.daily.name
  arn  = aws_cloudwatch_log_group.ticks.arn
}
resource "aws_cloudwatch_event_target" "daily_bus" {
  rule     = aws_cloudwatch_event_rule.daily.name
  arn      = aws_cloudwatch_event_bus.own.arn
  role_arn = aws_iam_role.all.arn
}
resource "aws_scheduler_schedule" "one" {
  for_each = merge(
    {
      function = [aws_lambda_function.f.arn, { time = "<aws.scheduler.scheduled-time>" }]
      topic    = [aws_sns_topic.news.arn, { of = "<aws.scheduler.schedule-arn>" }]
      machine  = [aws_sfn_state_machine.flow.arn, { attempt = "<aws.scheduler.attempt-number>" }]
      bus      = [aws_cloudwatch_event_bus.own.arn, { n = 1 }]
      universal = [
        "arn:aws:scheduler:::aws-sdk:sqs:sendMessage",
        { QueueUrl = aws_sqs_queue.inbox.url, MessageBody = "universal <aws.scheduler.scheduled-time>" },
      ]
    },
    local.streams,
  )
  name                = "schedules-${each.key}"
  schedule_expression = local.never
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn      = each.value[0]
    role_arn = aws_iam_role.all.arn
    input    = replace(replace(jsonencode(each.value[1]), "\\\\u003c", "<"), "\\\\u003e", ">")
    dynamic "eventbridge_parameters" {
      for_each = each.key == "bus" ? [1] : []
      content {
        source      = "shop"
        detail_type = "Tick"
      }
    }
    dynamic "kinesis_parameters" {
      for_each = each.key == "stream" ? [1] : []
      content {
        partition_key = "mine"
      }
    }
  }
}
"""
NO_STREAM = """
locals {
  streams = {}
}
"""
STREAM = """
locals {
  streams = { stream = [aws_kinesis_stream.s.arn, { n = 2 }] }
}
resource "aws_kinesis_stream" "s" {
  name        = "schedules"
  shard_count = 1
  tags        = { team = "shop" }
}
resource "aws_lambda_event_source_mapping" "s" {
  event_source_arn  = aws_kinesis_stream.s.arn
  function_name     = aws_lambda_function.f.arn
  starting_position = "LATEST"
  enabled           = false
}
resource "aws_cloudwatch_log_group" "shop" {
  name = "/aws/events/shop"
}
resource "aws_cloudwatch_event_target" "own_logs" {
  rule           = aws_cloudwatch_event_rule.own.name
  event_bus_name = aws_cloudwatch_event_bus.own.name
  arn            = aws_cloudwatch_log_group.shop.arn
}
resource "aws_lambda_function_event_invoke_config" "f" {
  function_name          = aws_lambda_function.f.function_name
  maximum_retry_attempts = 1
}
"""


@pytest.fixture(scope="module")
def applied(
    harness_settings: Settings, endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Apply the root in an account of its own. Only MiniStack has streams without a download."""
    root = tmp_path_factory.mktemp("schedules")
    streams = STREAM if endpoint.backend == "ministack" else NO_STREAM
    with applied_alone(
        harness_settings, endpoint, root, root=ROOT + streams, handler=HANDLER, account=ACCOUNT
    ) as stack:
        yield stack


@pytest.fixture
def stack(applied: Deployment) -> Deployment:
    """Provide the stack with an empty queue."""
    applied.reset()
    return applied


def event_of(body: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(body)
    return event


def test_a_rule_sends_each_target_what_its_input_says(stack: Deployment) -> None:
    rule = stack.schedule("aws_cloudwatch_event_rule.daily")
    arn = rule.resource.values["arn"]

    rule.run(at=DUE)

    transformed = stack.queue().wait_for("transformed")
    assert transformed == f'{{"transformed":"2026-03-01T09:30:00Z","text":"by {arn}"}}'
    bodies = eventually(
        stack.queue().peek, until=lambda bodies: len(bodies) == 3, what="a message of each target"
    )
    assert '"Scheduled Event"' in bodies  # what the topic has got is a part of the event
    forwarded = event_of(next(body for body in bodies if "detail-type" in body))
    assert (forwarded["source"], forwarded["detail"], forwarded["resources"]) == ("aws.events", {}, [arn])


def test_a_rule_without_an_input_sends_the_scheduled_event_to_its_function_and_its_log(
    stack: Deployment,
) -> None:
    stack.schedule("aws_cloudwatch_event_rule.daily").run(at=DUE)

    logged = event_of(stack.log_group("ticks").wait_for_log("Scheduled Event"))
    assert (logged["source"], logged["time"], logged["account"]) == (
        "aws.events",
        "2026-03-01T09:30:00Z",
        ACCOUNT,
    )
    assert stack.function().wait_for_log(logged["id"])


def test_the_scheduler_fills_in_its_context_for_a_function(stack: Deployment) -> None:
    stack.schedule('one["function"]').run(at=DUE)

    assert stack.function().wait_for_log('got {"time": "2026-03-01T09:30:00Z"}')


def test_the_scheduler_publishes_to_a_topic(stack: Deployment) -> None:
    schedule = stack.schedule('one["topic"]')

    schedule.run()

    assert event_of(stack.queue().wait_for("of")) == {"of": schedule.resource.values["arn"]}


def test_the_scheduler_starts_a_state_machine(stack: Deployment) -> None:
    stack.schedule('one["machine"]').run()

    states = stack.client("stepfunctions")
    found = eventually(
        lambda: states.list_executions(stateMachineArn=stack.state_machine().arn)["executions"],
        what="an execution",
    )
    execution = states.describe_execution(executionArn=found[0]["executionArn"])
    assert event_of(execution["input"]) == {"attempt": "1"}


def test_the_scheduler_puts_an_event_of_its_own_on_a_bus(stack: Deployment) -> None:
    stack.schedule('one["bus"]').run()

    event = event_of(stack.queue().wait_for("Tick"))
    assert (event["source"], event["detail-type"], event["detail"]) == ("shop", "Tick", {"n": 1})


def test_the_scheduler_calls_any_action(stack: Deployment) -> None:
    stack.schedule('one["universal"]').run(at=DUE)

    assert stack.queue().wait_for("universal") == "universal 2026-03-01T09:30:00Z"


def test_the_scheduler_puts_a_record_into_a_stream(stack: Deployment) -> None:
    if not stack.resources("aws_kinesis_stream"):
        pytest.skip("this backend would have to download what keeps streams")
    stack.schedule('one["stream"]').run()

    kinesis = stack.client("kinesis")
    (shard,) = kinesis.list_shards(StreamName="schedules")["Shards"]
    start = kinesis.get_shard_iterator(
        StreamName="schedules", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    (record,) = kinesis.get_records(ShardIterator=start["ShardIterator"])["Records"]
    assert (record["Data"], record["PartitionKey"]) == (b'{"n":2}', "mine")


def test_aws_would_take_the_stack(stack: Deployment) -> None:
    assert stack.refusals() == []


def test_a_rule_writes_what_it_matches_into_a_log_group(stack: Deployment) -> None:
    if not stack.resources("aws_kinesis_stream"):
        pytest.skip("what MiniStack alone would have done otherwise")
    event = stack.fire(source="shop", detail_type="Sold", detail={"n": 3}, bus="schedules-own")

    logged = event_of(stack.log_group("shop").wait_for_log("Sold"))
    assert (logged["id"], logged["account"], logged["detail"]) == (event.id, ACCOUNT, {"n": 3})
    hop = next(hop for hop in stack.trace(event) if hop.name == "in the log group")
    assert (hop.state, hop.seen) == ("reached", "/aws/events/shop")


def test_what_the_service_adds_to_its_settings_is_no_change(stack: Deployment) -> None:
    if not stack.resources("aws_kinesis_stream"):
        pytest.skip("what MiniStack alone would have done otherwise")
    kinds = (
        "aws_kinesis_stream",
        "aws_lambda_event_source_mapping",
        "aws_lambda_function_event_invoke_config",
    )
    assert [change for change in stack.plan() if change.address.startswith(kinds)] == []
