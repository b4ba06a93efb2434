from __future__ import annotations

import json

import pytest

from tests.policies import Request, deployer_policy, is_allowed

ROLES = "arn:aws:iam::000000000000:role"
INLINE_LIMIT = 10_240  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html


def test_it_fits_into_a_role() -> None:
    longest = deployer_policy(environment="x" * 10)

    assert len(json.dumps(longest, separators=(",", ":"))) < INLINE_LIMIT


@pytest.mark.parametrize(
    ("role", "service", "allowed"),
    [
        ("create_encrypted_timestamp_prod", "lambda", True),
        ("s3_lambda_api_prod_replication", "s3", True),
        ("s3_lambda_api_prod_deployments", "codedeploy", True),
        ("create_encrypted_timestamp_prod_schedule", "scheduler", True),
        ("create_encrypted_timestamp_prod", "ec2", False),
        ("create_encrypted_timestamp_dev", "lambda", False),
        ("administrator", "lambda", False),
    ],
)
def test_a_role_is_passed_only_if_it_is_the_stacks_and_to_whom_it_is_for(
    role: str,
    service: str,
    allowed: bool,  # noqa: FBT001
) -> None:
    asked = Request(
        action="iam:PassRole",
        resource=f"{ROLES}/{role}",
        context={"iam:PassedToService": f"{service}.amazonaws.com"},
    )

    assert is_allowed(deployer_policy(), asked) == allowed


@pytest.mark.parametrize("action", ["s3:ListTagsForResource", "s3:TagResource", "s3:UntagResource"])
def test_version_6_of_the_provider_may_tag_buckets_in_its_own_way(action: str) -> None:
    """Version 5 sends PutBucketTagging, and version 6 too, but only after a refusal of these.

    https://github.com/hashicorp/terraform-provider-aws/pull/45251
    """
    bucket = "arn:aws:s3:::s3-lambda-api-prod-000000000000-eu-north-1-code"

    assert is_allowed(deployer_policy(), Request(action=action, resource=bucket))


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "s3:DeleteObjectVersion"])
def test_objects_are_none_of_a_deployers_business_and_code_is(action: str) -> None:
    stem = "arn:aws:s3:::s3-lambda-api-prod-000000000000-eu-north-1"

    assert is_allowed(deployer_policy(), Request(action=action, resource=f"{stem}-code/x.zip"))
    assert not is_allowed(deployer_policy(), Request(action=action, resource=f"{stem}/latest.json"))


def test_no_statement_allows_a_pattern_of_actions() -> None:
    assert not [one for one in deployer_policy() if "*" in json.dumps(one["Action"])]
