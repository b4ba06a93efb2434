from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.terraform.rules import Refusal, lines_of, refusals, rule
from harness.terraform.rules.registry import _RULES
from harness.values import Resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.terraform.rules import Broken, Resources

QUEUE_ARN = "arn:aws:sqs:eu-north-1:000000000000:q"
TOPIC_ARN = "arn:aws:sns:eu-north-1:000000000000:t"
FUNCTION_ARN = "arn:aws:lambda:eu-north-1:000000000000:function:f"
MACHINE_ARN = "arn:aws:states:eu-north-1:000000000000:stateMachine:m"
ROLE_ARN = "arn:aws:iam::000000000000:role/r"
BUS_ARN = "arn:aws:events:eu-north-1:000000000000:event-bus/b"


def made(kind: str, **values: object) -> Resource:
    return Resource(address=f"{kind}.a", type=kind, values=values)


def policy(principal: object, **more: object) -> str:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": principal, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def let_in(service: str) -> str:
    return policy({"Service": service})


def function(**values: object) -> Resource:
    return made(
        "aws_lambda_function",
        **{"arn": FUNCTION_ARN, "function_name": "f", "role": ROLE_ARN, "timeout": 3, **values},
    )


def queue(**values: object) -> Resource:
    url = "https://sqs.eu-north-1.amazonaws.com/000000000000/q"
    return made(
        "aws_sqs_queue",
        **{"arn": QUEUE_ARN, "url": url, "id": url, "visibility_timeout_seconds": 30, **values},
    )


def role(trusted: object, *actions: str, **more: object) -> Resource:
    statement = {"Effect": "Allow", "Principal": trusted, "Action": ["sts:AssumeRole", *actions], **more}
    return made("aws_iam_role", arn=ROLE_ARN, assume_role_policy=json.dumps({"Statement": statement}))


def permission(principal: str, name: str = "f") -> Resource:
    return made("aws_lambda_permission", function_name=name, principal=principal)


ACL = made("aws_s3_bucket_acl", bucket="b", acl="private")
OPEN_POLICY = made("aws_s3_bucket_policy", bucket="b", policy=policy("*"))
TARGET = made("aws_cloudwatch_event_target", arn=FUNCTION_ARN)
TO_QUEUE = made("aws_cloudwatch_event_target", arn=QUEUE_ARN)
SUBSCRIBED = made("aws_sns_topic_subscription", protocol="lambda", endpoint=f"{FUNCTION_ARN}:live")
QUEUE_SUBSCRIBED = made("aws_sns_topic_subscription", protocol="sqs", endpoint=QUEUE_ARN)
NOTIFIED = made("aws_s3_bucket_notification", lambda_function=[{"lambda_function_arn": FUNCTION_ARN}])
NOTIFIED_QUEUE = made("aws_s3_bucket_notification", queue=[{"queue_arn": QUEUE_ARN}])
NOTIFIED_TOPIC = made("aws_s3_bucket_notification", topic=[{"topic_arn": TOPIC_ARN}])


INVOKED = f"arn:aws:apigateway:eu-north-1:lambda:path/2015-03-31/functions/{FUNCTION_ARN}/invocations"
INTEGRATED = made("aws_api_gateway_integration", uri=INVOKED, credentials="")
INTEGRATED_V2 = made("aws_apigatewayv2_integration", integration_uri=INVOKED, credentials_arn=None)


def mapping(**values: object) -> Resource:
    named = {"event_source_arn": QUEUE_ARN, "function_name": FUNCTION_ARN, "batch_size": 10}
    return made("aws_lambda_event_source_mapping", **{**named, **values})


def scheduled(text: str, kind: str = "aws_cloudwatch_event_rule") -> Resource:
    return made(kind, schedule_expression=text)


@pytest.mark.parametrize(
    ("reason", "broken"),
    [
        ("aws_s3_bucket_ownership_controls", [ACL]),
        (
            "aws_s3_bucket_ownership_controls",
            [
                ACL,
                made(
                    "aws_s3_bucket_ownership_controls",
                    bucket="b",
                    rule=[{"object_ownership": "BucketOwnerEnforced"}],
                ),
            ],
        ),
        ("block_public_policy = false", [OPEN_POLICY]),
        (
            "block_public_policy = false",
            [OPEN_POLICY, made("aws_s3_bucket_public_access_block", bucket="b", block_public_policy=True)],
        ),
        ("a policy of aws_sqs_queue.a lets s3.amazonaws.com", [NOTIFIED_QUEUE, queue()]),
        (
            "a policy of aws_sns_topic.a lets s3.amazonaws.com",
            [NOTIFIED_TOPIC, made("aws_sns_topic", arn=TOPIC_ARN)],
        ),
        (
            "a policy of aws_sns_topic.a lets s3.amazonaws.com",
            [
                NOTIFIED_TOPIC,
                made(
                    "aws_sns_topic",
                    arn=TOPIC_ARN,
                    policy=policy({"AWS": "*"}, Condition={"StringEquals": {"AWS:SourceOwner": "0"}}),
                ),
            ],
        ),
        ("names lambda.amazonaws.com", [function(), role({"Service": "ec2.amazonaws.com"})]),
        (
            "names states.amazonaws.com",
            [made("aws_sfn_state_machine", role_arn=ROLE_ARN), role({"Service": "lambda.amazonaws.com"})],
        ),
        (
            "names scheduler.amazonaws.com",
            [
                made("aws_scheduler_schedule", target=[{"role_arn": ROLE_ARN}]),
                role({"Service": "events.amazonaws.com"}),
            ],
        ),
        ("AWS_REGION itself", [function(environment=[{"variables": {"AWS_REGION": "x", "MINE": "y"}}])]),
        ("runtime go1.x any more", [function(runtime="go1.x")]),
        ("5 layers, not 6", [function(layers=["l"] * 6)]),
        ("it is 30, and that is 60", [mapping(), queue(), function(timeout=60)]),
        ("batch_size over 10", [mapping(batch_size=100, maximum_batching_window_in_seconds=0)]),
        ("role_arn of a target", [made("aws_cloudwatch_event_target", arn=MACHINE_ARN, role_arn="")]),
        ("no Resource in a trust policy", [role({"AWS": "*"}, Resource="*")]),
        ("not logs:CreateLogGroup", [role({"AWS": "*"}, "sts:TagSession", "logs:CreateLogGroup")]),
        ("write rate(1 minute)", [scheduled("rate(1 minutes)")]),
        ("write rate(5 minutes)", [scheduled("rate(5 minute)")]),
        ("expected ? in exactly one", [scheduled("cron(0 9 * * * *)")]),
        ("expected ? in exactly one", [scheduled("cron(0 9 * * MON *)", "aws_scheduler_schedule")]),
        ("expected 0-23 in hours, got '24'", [scheduled("cron(0 24 * * ? *)")]),
        ("rate(…) or cron(…)", [scheduled("at(2026-01-01T00:00:00)")]),
        (
            "got 'Europe/Bern'",
            [
                made(
                    "aws_scheduler_schedule",
                    schedule_expression="rate(1 day)",
                    schedule_expression_timezone="Europe/Bern",
                )
            ],
        ),
        (
            "whose action only reads, such as arn:aws:scheduler:::aws-sdk:sqs:getQueueUrl",
            [
                made(
                    "aws_scheduler_schedule",
                    target=[{"arn": "arn:aws:scheduler:::aws-sdk:sqs:getQueueUrl"}],
                )
            ],
        ),
        (
            "on the default bus only",
            [made("aws_cloudwatch_event_rule", schedule_expression="rate(1 day)", event_bus_name="mine")],
        ),
        ("aws_lambda_permission of aws_lambda_function.a for events", [TARGET, function()]),
        ("for sns.amazonaws.com", [SUBSCRIBED, function(), permission("events.amazonaws.com")]),
        ("for s3.amazonaws.com", [NOTIFIED, function(), permission("s3.amazonaws.com", "another")]),
        ("for apigateway.amazonaws.com", [INTEGRATED, function()]),
        ("for apigateway.amazonaws.com", [INTEGRATED_V2, function(), permission("events.amazonaws.com")]),
        ("lets events.amazonaws.com send", [TO_QUEUE, queue()]),
        ("lets sns.amazonaws.com send", [QUEUE_SUBSCRIBED, queue(policy=let_in("events.amazonaws.com"))]),
    ],
)
def test_what_aws_refuses_is_told_once_with_its_source(reason: str, broken: list[Resource]) -> None:
    (told,) = refusals(broken)

    assert reason in told.reason
    assert told.address == broken[0].address
    assert str(told) == f"{told.address}: {told.reason} ({told.source})"
    assert told.source.startswith("https://docs.aws.amazon.com/")


@pytest.mark.parametrize(
    "sound",
    [
        [
            ACL,
            made(
                "aws_s3_bucket_ownership_controls",
                bucket="b",
                rule=[{"object_ownership": "BucketOwnerPreferred"}],
            ),
        ],
        [OPEN_POLICY, made("aws_s3_bucket_public_access_block", bucket="b", block_public_policy=False)],
        [
            made(
                "aws_s3_bucket_policy",
                bucket="b",
                policy=policy("*", Condition={"StringEquals": {"aws:SourceAccount": "1"}}),
            )
        ],
        [made("aws_s3_bucket_policy", bucket="b", policy=policy("*", Effect="Deny"))],
        [made("aws_s3_bucket_policy", bucket="b", policy=policy({"AWS": ROLE_ARN}))],
        [NOTIFIED_QUEUE, queue(policy=let_in("s3.amazonaws.com"))],
        [NOTIFIED_QUEUE],  # the queue is somebody else's
        [
            NOTIFIED_TOPIC,
            made("aws_sns_topic", arn=TOPIC_ARN),
            made("aws_sns_topic_policy", arn=TOPIC_ARN, policy=let_in("s3.amazonaws.com")),
        ],
        [role({"AWS": "*"}, "STS:SetSourceIdentity"), made("aws_iam_role", assume_role_policy=None)],
        [function(), role({"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]})],
        [function(environment=[{"variables": {"MINE": "y"}}], runtime="python3.13", layers=["l"] * 5)],
        [mapping(), queue(), function(timeout=30)],
        [mapping(batch_size=100, maximum_batching_window_in_seconds=1)],
        [mapping(event_source_arn="arn:aws:dynamodb:eu-north-1:0:table/t/stream/s", batch_size=100)],
        [made("aws_cloudwatch_event_target", arn=MACHINE_ARN, role_arn=ROLE_ARN)],
        [made("aws_cloudwatch_event_target", arn=BUS_ARN)],
        [scheduled("rate(1 minute)"), scheduled("rate(5 minutes)"), scheduled("cron(0 9 ? * MON *)")],
        [
            scheduled(text, "aws_scheduler_schedule")
            for text in ("rate(1 minutes)", "at(2026-01-01T00:00:00)")
        ],
        [made("aws_cloudwatch_event_rule", event_pattern="{}", event_bus_name="mine")],
        [
            made(
                "aws_cloudwatch_event_rule",
                schedule_expression="rate(1 day)",
                event_bus_name=f"{BUS_ARN[:-1]}default",
            )
        ],
        [TARGET, function(), permission("events.amazonaws.com")],
        [
            TARGET,
            function(arn=FUNCTION_ARN.replace("north", "west")),
            function(),
            permission("events.amazonaws.com"),
        ],
        [TARGET, function(), permission("events.amazonaws.com", f"{FUNCTION_ARN}:live")],
        [made("aws_cloudwatch_event_target", arn=FUNCTION_ARN, role_arn=ROLE_ARN), function()],
        [SUBSCRIBED, function(), permission("sns.amazonaws.com")],
        [NOTIFIED, function(), permission("s3.amazonaws.com", FUNCTION_ARN)],
        [INTEGRATED, function(), permission("apigateway.amazonaws.com")],
        [made("aws_api_gateway_integration", uri=INVOKED, credentials=ROLE_ARN), function()],
        [made("aws_api_gateway_integration", uri="arn:aws:apigateway:x:sqs:path/0/q"), function()],
        [
            TO_QUEUE,
            queue(),
            made(
                "aws_sqs_queue_policy", queue_url=queue().values["url"], policy=let_in("events.amazonaws.com")
            ),
        ],
        [QUEUE_SUBSCRIBED, queue(policy=policy("*"))],
    ],
)
def test_what_aws_takes_is_not_told(sound: list[Resource]) -> None:
    assert refusals(sound) == []


def test_a_rule_of_your_own_is_asked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.terraform.rules.registry._RULES", [*_RULES])

    @rule("https://example.com/names")
    def names_are_short(resources: Resources) -> Iterator[Broken]:
        for bucket in resources.of("aws_s3_bucket"):
            if len(bucket.values["bucket"]) > 3:
                yield bucket, "our names have three letters at most"

    assert [str(told) for told in refusals([made("aws_s3_bucket", bucket="long")])] == [
        "aws_s3_bucket.a: our names have three letters at most (https://example.com/names)"
    ]


@pytest.mark.parametrize("text", ["", None, "no JSON", "[]", '{"Statement": "text"}', '{"Statement": [1]}'])
def test_what_is_no_policy_lets_nobody_in(text: Any) -> None:  # noqa: ANN401 - what Terraform's state has
    (told,) = refusals([TO_QUEUE, queue(policy=text)])

    assert "lets events.amazonaws.com send" in told.reason


def test_the_instances_of_a_resource_share_a_line() -> None:
    def refused(address: str) -> Refusal:
        return Refusal(address=address, reason=f"AWS takes no {address}", source="https://x")

    found = [refused(f'module.f["{name}"].aws_sqs_queue.q[0]') for name in "abc"]

    first, other = lines_of([*found, refused("aws_sqs_queue.q")])

    assert first.startswith('module.f["a"].aws_sqs_queue.q[0]: AWS takes no module.f["a"]')
    assert first.endswith("(https://x), and 2 more of its instances")
    assert other == "aws_sqs_queue.q: AWS takes no aws_sqs_queue.q (https://x)"
