"""The documented policy for deployers is sufficient for production, and for little else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from harness import Endpoint, Settings, TerraformError, deployed_at
from tests.iam.roles import user
from tests.policies import deployer_policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.iam.roles import Statement

pytestmark = pytest.mark.requires("iam_enforcement", "bucket_policy_enforcement")

VARIABLES = {
    "deletion_protection": "false",
    "alarm_emails": '["on-call@example.com"]',
    "retention": "null",  # the provider waits a minute for it
}
# MiniStack 1.5.33 takes these for requests that are about no resource in particular.
# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
UNNAMED = {
    "cloudwatch:DeleteAlarms",
    "cloudwatch:DeleteDashboards",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetDashboard",
    "cloudwatch:ListTagsForResource",
    "cloudwatch:PutDashboard",
    "events:ListTagsForResource",
    "events:ListTargetsByRule",
    "events:PutTargets",
    "events:RemoveTargets",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "lambda:CreateFunction",
    "logs:DescribeLogGroups",
    "sns:GetSubscriptionAttributes",
    "sns:ListTagsForResource",
    "sns:Unsubscribe",
}


@pytest.fixture
def deployer(endpoint: Endpoint) -> Iterator[Endpoint]:
    """Yield the endpoint for a user with only this policy."""
    unnamed: Statement = {"Effect": "Allow", "Action": sorted(UNNAMED), "Resource": "*"}
    with user(endpoint, [*deployer_policy(), unnamed]) as place:
        yield place


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_policy_suffices_to_make_change_and_destroy_production(
    harness_settings: Settings, deployer: Endpoint
) -> None:
    root = harness_settings.terraform_dir.parent / "prod"
    settings = replace(harness_settings, terraform_dir=root, variables=VARIABLES)

    with deployed_at(settings, deployer) as prod:
        prod.terraform.apply(log_level="DEBUG", log_retention_days="180", kms_rotation_enabled="true")
        s3, outputs = prod.client("s3"), prod.outputs

        # Deployers have no access to the objects.
        bucket = outputs["bucket_name"]
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.get_object(Bucket=bucket, Key=outputs["pointer_key"])
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.put_object(Bucket=bucket, Key="hello_world_x", Body=b"", IfNoneMatch="*")


@pytest.mark.slow
def test_it_suffices_for_no_other_environment(harness_settings: Settings, deployer: Endpoint) -> None:
    other = {**VARIABLES, "environment": "stage"}
    root = harness_settings.terraform_dir.parent / "prod"

    with pytest.raises(TerraformError, match="not authorized"):
        with deployed_at(replace(harness_settings, terraform_dir=root, variables=other), deployer):
            pass
