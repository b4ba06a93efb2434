"""Rules of IAM: a service takes a role only if the role lets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.terraform.rules.registry import blocks, lets, rule, statements, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.terraform.rules.registry import Broken, Resources
    from harness.values import Resource

_PASSED = (
    ("aws_lambda_function", "role", "lambda.amazonaws.com"),
    ("aws_sfn_state_machine", "role_arn", "states.amazonaws.com"),
    ("aws_cloudwatch_event_target", "role_arn", "events.amazonaws.com"),
    ("aws_pipes_pipe", "role_arn", "pipes.amazonaws.com"),
)


@rule("https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-service.html")
def roles_trust_the_service_that_takes_them(resources: Resources) -> Iterator[Broken]:
    """A role's trust policy must name the service that assumes it."""
    for kind, attribute, service in _PASSED:
        for resource in resources.of(kind):
            yield from _check_trust(resources, resource, resource.values.get(attribute), service)
    for schedule in resources.of("aws_scheduler_schedule"):
        for target in blocks(schedule.values, "target"):
            yield from _check_trust(resources, schedule, target.get("role_arn"), "scheduler.amazonaws.com")


def _check_trust(resources: Resources, resource: Resource, arn: object, service: str) -> Iterator[Broken]:
    role = resources.with_arn("aws_iam_role", arn)
    if role and not lets(role.values.get("assume_role_policy"), service):
        yield resource, f"AWS asks that the trust policy of {role.address} names {service}"


@rule("https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html")
def trust_policies_only_let_their_role_be_assumed(resources: Resources) -> Iterator[Broken]:
    """A trust policy has no resource, because that is the role, and no actions but those of STS."""
    for role in resources.of("aws_iam_role"):
        for statement in statements(role.values.get("assume_role_policy")):
            if "Resource" in statement:
                yield role, "AWS takes no Resource in a trust policy"
            for action in sorted(texts(statement.get("Action", []))):
                if ":" in action and not action.lower().startswith("sts:"):
                    yield role, f"AWS takes only actions of sts in a trust policy, not {action}"
