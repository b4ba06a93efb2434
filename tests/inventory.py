"""All resources that an account of an emulator holds, of the kinds that the stack has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness import aws

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness import Endpoint

# service -> (operation, key of the list, name in an item; empty where the item is the name)
_LISTED: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "apigateway": (("get_rest_apis", "items", "name"), ("get_usage_plans", "items", "name")),
    "cloudwatch": (("describe_alarms", "MetricAlarms", "AlarmName"),),
    "events": (("list_rules", "Rules", "Name"),),
    "iam": (("list_roles", "Roles", "RoleName"), ("list_policies", "Policies", "PolicyName")),
    "kms": (("list_aliases", "Aliases", "AliasName"),),
    "lambda": (("list_functions", "Functions", "FunctionName"),),
    "logs": (("describe_log_groups", "logGroups", "logGroupName"),),
    "s3": (("list_buckets", "Buckets", "Name"),),
    "sns": (("list_topics", "Topics", "TopicArn"),),
    "sqs": (("list_queues", "QueueUrls", ""),),
}


def inventory(endpoint: Endpoint) -> set[str]:
    """Return `service:name` of every resource; a KMS key counts until it is scheduled for deletion."""
    found = {
        f"{service}:{item[name] if name else item}"
        for service, lists in _LISTED.items()
        for operation, key, name in lists
        for item in _items(endpoint, service, operation, key)
    }
    return found | {f"kms:{key}" for key in _enabled_keys(endpoint)}


def _items(endpoint: Endpoint, service: str, operation: str, key: str) -> list[Any]:
    arguments = {"Scope": "Local"} if operation == "list_policies" else {}
    items: list[Any] = getattr(aws.client(endpoint, service), operation)(**arguments).get(key, [])
    return items


def _enabled_keys(endpoint: Endpoint) -> list[str]:
    kms = aws.client(endpoint, "kms")
    keys = [key["KeyId"] for key in kms.list_keys()["Keys"]]
    return [
        key for key in keys if kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] != "PendingDeletion"
    ]
