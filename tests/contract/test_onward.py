"""A trace follows messages of queues, topics, buckets and functions to their end, on every backend."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness import eventually
from harness.stack import hops
from tests.contract.small_stack import applied_alone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness import Deployment, Endpoint, Settings
    from harness.stack.hops import Hop
    from harness.values import Sent

pytestmark = pytest.mark.anywhere

ACCOUNT = "555555555555"
LONG = 90.0  # seconds that a loaded machine may need for a message that comes back, and is set aside
HANDLER = """
import json, os

def handler(event, _context):
    text = json.dumps(event)
    if os.environ.get("LOUD"):
        print(text)
    if "poison" in text:
        raise ValueError("poison on purpose")
    return {"ok": True}
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
data "aws_iam_policy_document" "all" {
  statement {
    actions   = ["sqs:*", "sns:*", "s3:*", "logs:*", "lambda:*"]
    resources = ["*"]
  }
}
data "aws_iam_policy_document" "deliver" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["sns.amazonaws.com", "s3.amazonaws.com", "events.amazonaws.com"]
    }
  }
}
data "aws_iam_policy_document" "publish" {
  statement {
    actions   = ["sns:Publish"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }
  }
}
resource "aws_iam_role" "f" {
  name               = "onward"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}
resource "aws_iam_role_policy" "f" {
  role   = aws_iam_role.f.id
  policy = data.aws_iam_policy_document.all.json
}
resource "aws_sqs_queue" "dead" {
  for_each = toset(["orders-dead", "failures", "lost"])
  name     = "onward-${each.key}"
}
resource "aws_sqs_queue" "orders" {
  name                       = "onward-orders"
  visibility_timeout_seconds = 300 # the harness does not wait for it
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead["orders-dead"].arn
    maxReceiveCount     = 1
  })
}
resource "aws_sqs_queue" "plain" {
  for_each                   = toset(["idle", "filtered", "inbox"])
  name                       = "onward-${each.key}"
  visibility_timeout_seconds = 3
}
resource "aws_sqs_queue_policy" "inbox" {
  queue_url = aws_sqs_queue.plain["inbox"].url
  policy    = data.aws_iam_policy_document.deliver.json
}
resource "aws_lambda_function" "worker" {
  function_name = "onward-worker"
  role          = aws_iam_role.f.arn
  runtime       = "python3.13"
  handler       = "app.handler"
  filename      = "${path.module}/app.zip"
  timeout       = 3
  environment {
    variables = { LOUD = "yes" }
  }
  depends_on = [aws_iam_role_policy.f]
}
resource "aws_lambda_function" "quiet" {
  function_name = "onward-quiet"
  role          = aws_iam_role.f.arn
  runtime       = "python3.13"
  handler       = "app.handler"
  filename      = "${path.module}/app.zip"
  timeout       = 3
  dead_letter_config {
    target_arn = aws_sqs_queue.dead["lost"].arn
  }
  depends_on = [aws_iam_role_policy.f]
}
resource "aws_lambda_function_event_invoke_config" "worker" {
  function_name          = aws_lambda_function.worker.function_name
  maximum_retry_attempts = 0
  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead["failures"].arn
    }
  }
}
resource "aws_lambda_function_event_invoke_config" "quiet" {
  function_name          = aws_lambda_function.quiet.function_name
  maximum_retry_attempts = 0
}
resource "aws_lambda_permission" "all" {
  for_each      = toset(["sns.amazonaws.com", "s3.amazonaws.com", "events.amazonaws.com"])
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.worker.function_name
  principal     = each.key
}
resource "aws_lambda_event_source_mapping" "orders" {
  event_source_arn = aws_sqs_queue.orders.arn
  function_name    = aws_lambda_function.worker.arn
}
resource "aws_lambda_event_source_mapping" "idle" {
  event_source_arn = aws_sqs_queue.plain["idle"].arn
  function_name    = aws_lambda_function.quiet.arn
  enabled          = false
}
resource "aws_lambda_event_source_mapping" "filtered" {
  event_source_arn = aws_sqs_queue.plain["filtered"].arn
  function_name    = aws_lambda_function.worker.arn
  filter_criteria {
    filter {
      pattern = jsonencode({ body = { kind = ["order"] } })
    }
  }
}
resource "aws_sns_topic" "t" {
  for_each = toset(["news", "relay", "silent"])
  name     = "onward-${each.key}"
}
resource "aws_sns_topic_policy" "relay" {
  arn    = aws_sns_topic.t["relay"].arn
  policy = data.aws_iam_policy_document.publish.json
}
resource "aws_sns_topic_subscription" "worker" {
  topic_arn     = aws_sns_topic.t["news"].arn
  protocol      = "lambda"
  endpoint      = aws_lambda_function.worker.arn
  filter_policy = jsonencode({ kind = ["order"] })
}
resource "aws_sns_topic_subscription" "inbox" {
  topic_arn           = aws_sns_topic.t["news"].arn
  protocol            = "sqs"
  endpoint            = aws_sqs_queue.plain["inbox"].arn
  filter_policy       = jsonencode({ level = ["high"] })
  filter_policy_scope = "MessageBody"
}
resource "aws_sns_topic_subscription" "relay" {
  topic_arn = aws_sns_topic.t["relay"].arn
  protocol  = "lambda"
  endpoint  = aws_lambda_function.worker.arn
}
resource "aws_s3_bucket" "objects" {
  bucket        = "onward-objects"
  force_destroy = true
}
resource "aws_s3_bucket_notification" "objects" {
  bucket = aws_s3_bucket.objects.id
  lambda_function {
    lambda_function_arn = aws_lambda_function.worker.arn
    events              = ["s3:ObjectCreated:*"]
    filter_prefix       = "in/"
    filter_suffix       = ".json"
  }
  queue {
    queue_arn     = aws_sqs_queue.plain["inbox"].arn
    events        = ["s3:ObjectCreated:Put"]
    filter_prefix = "copy/"
  }
  topic {
    topic_arn     = aws_sns_topic.t["relay"].arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = "news/"
  }
  depends_on = [aws_lambda_permission.all, aws_sqs_queue_policy.inbox, aws_sns_topic_policy.relay]
}
resource "aws_sfn_state_machine" "flow" {
  name     = "onward-flow"
  role_arn = aws_iam_role.f.arn
  definition = jsonencode({
    StartAt = "Weigh"
    States = {
      Weigh = { Type = "Pass", Next = "Work" }
      Work  = { Type = "Task", Resource = aws_lambda_function.worker.arn, End = true }
    }
  })
}
"""


@pytest.fixture(scope="module")
def onward(
    harness_settings: Settings, endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Apply the root in an account of its own."""
    root = tmp_path_factory.mktemp("onward")
    with applied_alone(
        harness_settings, endpoint, root, root=ROOT, handler=HANDLER, account=ACCOUNT
    ) as stack:
        # S3 tells a new notification's targets that it works: an invocation that is of no test.
        stack.function("worker").wait_for_log("s3:TestEvent", timeout=LONG)
        yield stack


def settled(stack: Deployment, sent: Sent, last: str, state: str = "reached") -> dict[str, Hop]:
    """Trace until the hop `last` is decided, and return the hops by name."""
    trace = eventually(
        lambda: stack.trace(sent),
        until=lambda trace: any((hop.name, hop.state) == (last, state) for hop in trace),
        what=f"the hop {last!r}",
        timeout=LONG,
        interval=0.5,
    )
    return {hop.name: hop for hop in trace}


def stop(found: dict[str, Hop]) -> Hop:
    """Return the hop at which the trace ended."""
    failed = hops.failure_in(found.values())
    assert failed is not None, hops.format_hops(found.values())
    return failed


def test_a_message_is_followed_from_its_queue_to_the_functions_end(onward: Deployment) -> None:
    (message,) = onward.queue("aws_sqs_queue.orders").send({"order": 1})

    found = settled(onward, message, "function returned")

    assert {hop.state for hop in found.values()} == {"reached"}, hops.format_hops(found.values())
    assert found["mapped to a function"].seen == "onward-worker"
    assert found["mapped to a function"].payload == '{"order": 1}'
    assert r"{\"order\": 1}" in found["function invoked"].payload
    assert "whose id it does not log" not in found["function invoked"].seen


def test_a_poison_message_is_followed_to_the_dead_letter_queue(onward: Deployment) -> None:
    (message,) = onward.queue("aws_sqs_queue.orders").send({"poison": 1})

    found = settled(onward, message, "in the dead-letter queue")

    assert stop(found).name == "function returned"
    assert "ValueError: poison on purpose" in stop(found).seen.splitlines()[0]
    assert found["in the dead-letter queue"].seen.startswith("onward-orders-dead: the message lies there")
    assert found["in the dead-letter queue"].payload == '{"poison": 1}'


def test_a_mapping_that_is_disabled_or_filters_is_where_it_ends(onward: Deployment) -> None:
    (idle,) = onward.queue("idle").send("hello")
    (bill,) = onward.queue("filtered").send({"kind": "bill"})
    (order,) = onward.queue("filtered").send({"kind": "order"})

    found = settled(onward, order, "function returned")

    assert {hop.state for hop in found.values()} == {"reached"}, hops.format_hops(found.values())
    reasons = [hops.failure_in(onward.trace(message)) for message in (idle, bill)]
    assert [hop.name for hop in reasons if hop] == ["mapped to a function"] * 2
    assert [hop.seen for hop in reasons if hop] == [
        "onward-quiet: the mapping is disabled",
        'onward-worker: the mapping\'s filter does not match: {"body":{"kind":["order"]}}',
    ]


def test_a_published_message_is_followed_to_each_subscription_that_takes_it(onward: Deployment) -> None:
    kind = {"kind": {"DataType": "String", "StringValue": "order"}}
    message = onward.topic("news").publish({"level": "high"}, MessageAttributes=kind)

    found = settled(onward, message, "function returned")

    assert {hop.state for hop in found.values()} == {"reached"}, hops.format_hops(found.values())
    assert set(found["matched a subscription"].seen.split(", ")) == {"function:onward-worker", "onward-inbox"}
    assert message.id in found["in the queue"].payload


def test_a_message_that_no_filter_policy_matches_ends_there(onward: Deployment) -> None:
    kind = {"kind": {"DataType": "String", "StringValue": "bill"}}
    message = onward.topic("news").publish({"level": "low"}, MessageAttributes=kind)

    first, *why = stop({hop.name: hop for hop in onward.trace(message)}).seen.splitlines()

    assert first == "no subscription takes it; onward-news has 2"
    by_attributes, by_body = sorted(why)
    assert by_attributes.startswith('function:onward-worker: the filter policy {"kind": ["order"]} does not')
    assert by_attributes.endswith('the message\'s attributes: {"kind": "bill"}')
    assert by_body.startswith('onward-inbox: the filter policy {"level": ["high"]} does not match')
    assert by_body.endswith('the message\'s body: {"level": "low"}')


def test_a_topic_that_nobody_subscribes_to_ends_there(onward: Deployment) -> None:
    trace = onward.trace(onward.topic("silent").publish("hello"))

    assert trace[-1].seen == "no subscription takes it; onward-silent has 0"


def test_an_object_is_followed_to_the_function_or_says_which_part_of_its_key_is_wrong(
    onward: Deployment,
) -> None:
    bucket = onward.bucket()
    good, bad = bucket.put("in/ü b.json", "x"), bucket.put("in/b.txt", "x")

    found = settled(onward, good, "function returned")

    assert {hop.state for hop in found.values()} == {"reached"}, hops.format_hops(found.values())
    assert "whose id it does not log" not in found["function invoked"].seen
    failed = stop({hop.name: hop for hop in onward.trace(bad)})
    assert failed.name == "matched a notification"
    assert "function:onward-worker: the suffix '.json' does not match 'in/b.txt'" in failed.seen


def test_an_object_is_followed_to_a_queue_and_by_a_topic_to_a_function(onward: Deployment) -> None:
    copied, told = onward.bucket().put("copy/a", "x"), onward.bucket().put("news/a", "x")

    found = settled(onward, copied, "in the queue")
    by_topic = settled(onward, told, "function returned")

    assert '"key": "copy/a"' in found["in the queue"].payload
    assert list(by_topic) == [
        "accepted by S3",
        "matched a notification",
        "matched a subscription",
        "function invoked",
        "function returned",
    ]
    assert {hop.state for hop in by_topic.values()} == {"reached"}, hops.format_hops(by_topic.values())


@pytest.mark.parametrize(
    ("function", "where", "queue"),
    [("worker", "destination", "onward-failures"), ("quiet", "dead-letter queue", "onward-lost")],
)
def test_an_asynchronous_failure_is_followed_to_where_lambda_puts_it(
    onward: Deployment, function: str, where: str, queue: str
) -> None:
    call = onward.function(function).invoke_later({"poison": function})

    found = settled(onward, call, "in the queue")

    assert found["function invoked"].payload == f'{{"poison": "{function}"}}'
    assert "ValueError: poison on purpose" in stop(found).seen.splitlines()[0]
    assert found["outcome handed on"].seen == f"to the {where} {queue}"
    written = json.loads(found["in the queue"].payload)
    assert written.get("requestPayload", written) == {"poison": function}  # emulators space JSON differently


def test_a_call_that_is_answered_is_traced_too(onward: Deployment) -> None:
    good, bad = onward.function("worker").invoke({"a": 1}), onward.function("quiet").invoke({"poison": 2})

    assert settled(onward, good.sent, "function returned")["function invoked"].payload == '{"a": 1}'
    failed = settled(onward, bad.sent, "function returned", "failed")["function returned"]
    assert "ValueError: poison on purpose" in failed.seen.splitlines()[0]


def test_an_execution_is_followed_through_its_states(onward: Deployment) -> None:
    flow = onward.state_machine()
    good, bad = flow.start({"a": 1}), flow.start({"poison": 3})

    found = settled(onward, good, "execution ended")
    failed = settled(onward, bad, "execution ended", "unreached")

    assert {hop.state for hop in found.values()} == {"reached"}, hops.format_hops(found.values())
    assert json.loads(found["state Work"].payload) == {"a": 1}
    assert json.loads(found["execution ended"].payload) == {"ok": True}
    assert failed["state Weigh"].state == "reached"
    assert stop(failed).name == "state Work"
    assert "poison on purpose" in stop(failed).seen
