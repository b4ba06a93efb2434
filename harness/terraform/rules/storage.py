"""Rules of S3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.terraform.rules.registry import blocks, lets, principals, rule, statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.terraform.rules.registry import Broken, Resources

S3 = "s3.amazonaws.com"
_ENFORCED = "BucketOwnerEnforced"


@rule("https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html")
def acls_are_on(resources: Resources) -> Iterator[Broken]:
    """A new bucket has no ACLs until its ownership controls bring them back."""
    with_acls = {
        controls.values["bucket"]
        for controls in resources.of("aws_s3_bucket_ownership_controls")
        for each in blocks(controls.values, "rule")
        if each.get("object_ownership") != _ENFORCED
    }
    for acl in resources.of("aws_s3_bucket_acl"):
        if acl.values["bucket"] not in with_acls:
            yield (
                acl,
                (
                    "AWS takes no ACL of a bucket without aws_s3_bucket_ownership_controls that allow ACLs; "
                    "most buckets need none"
                ),
            )


@rule("https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html")
def public_policies_are_let(resources: Resources) -> Iterator[Broken]:
    """A new bucket refuses a policy for everybody until its public access block lets it."""
    letting = {
        block.values["bucket"]
        for block in resources.of("aws_s3_bucket_public_access_block")
        if block.values.get("block_public_policy") is False
    }
    for policy in resources.of("aws_s3_bucket_policy"):
        is_public = any(map(_is_public, statements(policy.values.get("policy"))))
        if is_public and policy.values["bucket"] not in letting:
            yield (
                policy,
                (
                    "AWS takes no policy for everybody unless the bucket's aws_s3_bucket_public_access_block "
                    "has block_public_policy = false"
                ),
            )


@rule("https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html")
def notified_queues_and_topics_let_s3_in(resources: Resources) -> Iterator[Broken]:
    """S3 tries whether it may send before it takes a notification."""
    for notification in resources.of("aws_s3_bucket_notification"):
        for block, kind, attribute in (
            ("queue", "aws_sqs_queue", "queue_arn"),
            ("topic", "aws_sns_topic", "topic_arn"),
        ):
            for each in blocks(notification.values, block):
                target = resources.with_arn(kind, each.get(attribute))
                if target and not any(lets(policy, S3) for policy in policies_of(resources, target.values)):
                    yield notification, f"AWS asks that a policy of {target.address} lets {S3} send there"


def policies_of(resources: Resources, target: Mapping[str, object]) -> Iterator[object]:
    """Yield the policies of a queue or topic: its inline policy, and those of policy resources."""
    yield target.get("policy")
    names = {target.get("arn"), target.get("url"), target.get("id")}
    for kind, attribute in (("aws_sqs_queue_policy", "queue_url"), ("aws_sns_topic_policy", "arn")):
        for policy in resources.of(kind):
            if policy.values.get(attribute) in names:
                yield policy.values.get("policy")


def _is_public(statement: Mapping[str, object]) -> bool:
    everybody = "*" in principals(statement, "AWS")
    return statement.get("Effect") == "Allow" and everybody and not statement.get("Condition")
