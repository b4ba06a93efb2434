"""S3's answers for a missing key, which differ in emulators and test doubles.

Without ``s3:ListBucket`` the answer is 403 and not 404:
https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html. S3 takes the key for the prefix here, so a
condition on ``s3:prefix`` is held against the key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tests.policies import matches

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.model import OperationModel
    from mypy_boto3_s3 import S3Client

__all__ = ["LISTABLE", "access_denied", "hide_missing_keys", "may_list"]

# The prefixes that the functions' roles may list. tests/terraform/test_permissions.py compares them with the
# policies in Terraform's plan.
LISTABLE: tuple[str, ...] = ("*",)

_OPERATIONS = ("GetObject", "HeadObject", "PutObjectTagging")
_MISSING = frozenset({"NoSuchKey", "404"})


def may_list(key: str, patterns: tuple[str, ...] = LISTABLE) -> bool:
    """Return whether a role with these patterns for ``s3:prefix`` may use a key as the prefix."""
    return any(matches(key, pattern) for pattern in patterns)


def access_denied(operation: str, key: str) -> ClientError:
    """Return S3's error for a missing key that the caller may not list."""
    message = f"not authorized to perform: s3:ListBucket with the prefix {key}"
    answer: Any = {
        "Error": {"Code": "AccessDenied", "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 403},
    }
    return ClientError(answer, operation)


def hide_missing_keys(client: S3Client, may_list: Callable[[str], bool]) -> None:
    """Let S3 answer 403 instead of 404 for each missing key that the caller may not list.

    Args:
        client: Whose answers to change, from now on.
        may_list: Whether its caller may list the bucket with this key as the prefix.
    """

    def remember(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        context["requested_key"] = params["Key"]

    def hide(parsed: dict[str, Any], model: OperationModel, context: dict[str, Any], **_: object) -> None:
        key = context["requested_key"]
        if parsed.get("Error", {}).get("Code") in _MISSING and not may_list(key):
            parsed["Error"] = access_denied(model.name, key).response["Error"]
            parsed["ResponseMetadata"]["HTTPStatusCode"] = 403

    for operation in _OPERATIONS:
        client.meta.events.register(f"provide-client-params.s3.{operation}", remember)
        client.meta.events.register(f"after-call.s3.{operation}", hide)
