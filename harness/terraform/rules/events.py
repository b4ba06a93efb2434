"""Rules about EventBridge, and about everything that invokes a function or sends to a queue."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.aws.eventbridge import expressions, targets
from harness.errors import ScheduleError
from harness.terraform.rules.functions import function_of, is_meant
from harness.terraform.rules.registry import blocks, lets, rule
from harness.terraform.rules.storage import S3, policies_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.terraform.rules.registry import Broken, Resources
    from harness.values import Resource

_EVENTS, _SNS, _API = "events.amazonaws.com", "sns.amazonaws.com", "apigateway.amazonaws.com"
# How an integration of API Gateway names a function: https://docs.aws.amazon.com/apigateway/latest/api/API_Integration.html
_INVOKED = re.compile(r"/functions/(arn:[^/]+)/invocations$")
# Services whose targets take a role: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-iam-roles.html
_TAKES_ROLE = re.compile(r"arn:[\w-]+:(states|kinesis|firehose|ecs|batch|codebuild|codepipeline|ssm):")
_SCHEDULED = ("aws_cloudwatch_event_rule", "aws_scheduler_schedule")


@rule("https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html")
def targets_have_the_role_they_take(resources: Resources) -> Iterator[Broken]:
    """EventBridge takes a role to reach all but functions, queues, topics and log groups."""
    for target in resources.of("aws_cloudwatch_event_target"):
        arn = str(target.values.get("arn"))
        takes_one = _TAKES_ROLE.match(arn) or ":api-destination/" in arn
        if takes_one and not target.values.get("role_arn"):
            yield target, f"AWS asks for a role_arn of a target such as {arn}"


@rule("https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html")
def schedules_are_written_as_aws_reads_them(resources: Resources) -> Iterator[Broken]:
    """One minute, two minutes. Either the day of the month or the day of the week is `?`. A known zone."""
    for schedule in (schedule for kind in _SCHEDULED for schedule in resources.of(kind)):
        if not schedule.values.get("schedule_expression"):
            continue
        try:
            expressions.timetable_of(schedule)
        except ScheduleError as refused:
            yield schedule, f"AWS refuses its schedule_expression {refused}"


@rule("https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html")
def schedules_do_not_only_read(resources: Resources) -> Iterator[Broken]:
    """A universal target of EventBridge Scheduler must not be a read-only action."""
    for schedule in resources.of("aws_scheduler_schedule"):
        for target in blocks(schedule.values, "target"):
            if targets.is_read_only(str(target.get("arn"))):
                yield schedule, f"AWS takes no target whose action only reads, such as {target['arn']}"


@rule("https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html")
def schedules_are_on_the_default_bus(resources: Resources) -> Iterator[Broken]:
    """A rule has a schedule on the default bus only."""
    for schedule in resources.of("aws_cloudwatch_event_rule"):
        bus = str(schedule.values.get("event_bus_name") or "default")
        if schedule.values.get("schedule_expression") and bus.rpartition("/")[2] != "default":
            yield schedule, f"AWS takes a schedule_expression on the default bus only, not on {bus}"


@rule("https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html")
def functions_let_in_those_that_invoke_them(resources: Resources) -> Iterator[Broken]:
    """A service invokes a function only with an `aws_lambda_permission`, or with its own role."""
    for resource, arn, service in _invoking(resources):
        function = function_of(resources, arn)
        if function and not _may_invoke(resources, function, service):
            yield resource, f"AWS asks for an aws_lambda_permission of {function.address} for {service}"


@rule(
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-basic-examples-of-sqs-policies.html"
)
def queues_let_in_those_that_send_to_them(resources: Resources) -> Iterator[Broken]:
    """A service sends to a queue only if the queue's policy lets it."""
    for resource, arn, service in _sending(resources):
        queue = resources.with_arn("aws_sqs_queue", arn)
        if queue and not any(lets(policy, service) for policy in policies_of(resources, queue.values)):
            yield (
                resource,
                f"AWS delivers nothing unless a policy of {queue.address} lets {service} send there",
            )


def _invoking(resources: Resources) -> Iterator[tuple[Resource, object, str]]:
    """Yield everything that invokes a function: the resource, the function's ARN, and the service."""
    for target in _targets_without_role(resources):
        yield target, target.values.get("arn"), _EVENTS
    for subscription in resources.of("aws_sns_topic_subscription"):
        if subscription.values.get("protocol") == "lambda":
            yield subscription, subscription.values.get("endpoint"), _SNS
    for notification in resources.of("aws_s3_bucket_notification"):
        for each in blocks(notification.values, "lambda_function"):
            yield notification, each.get("lambda_function_arn"), S3
    for kind, uri, role in (
        ("aws_api_gateway_integration", "uri", "credentials"),
        ("aws_apigatewayv2_integration", "integration_uri", "credentials_arn"),
    ):
        for integration in resources.of(kind):
            named = str(integration.values.get(uri))
            if not integration.values.get(role):
                yield integration, match[1] if (match := _INVOKED.search(named)) else named, _API


def _sending(resources: Resources) -> Iterator[tuple[Resource, object, str]]:
    """Yield everything that sends to a queue, as `_invoking` does.

    S3 has a rule of its own.
    """
    for target in _targets_without_role(resources):
        yield target, target.values.get("arn"), _EVENTS
    for subscription in resources.of("aws_sns_topic_subscription"):
        if subscription.values.get("protocol") == "sqs":
            yield subscription, subscription.values.get("endpoint"), _SNS


def _targets_without_role(resources: Resources) -> list[Resource]:
    return [
        target for target in resources.of("aws_cloudwatch_event_target") if not target.values.get("role_arn")
    ]


def _may_invoke(resources: Resources, function: Resource, service: str) -> bool:
    return any(
        is_meant(function, permission.values.get("function_name"))
        and permission.values.get("principal") in {service, "*"}
        for permission in resources.of("aws_lambda_permission")
    )
