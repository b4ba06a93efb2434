"""All resources that an account holds, of the kinds that a Terraform + Lambda stack is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.aws import clients
from harness.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from harness.values import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listing:
    """How a service lists its resources.

    `name` is the field of an item that holds its name. It is empty if the item itself is the name.
    """

    service: str
    operation: str
    key: str
    name: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


_LISTINGS = (
    _Listing(service="apigateway", operation="get_rest_apis", key="items", name="name"),
    _Listing(service="apigateway", operation="get_usage_plans", key="items", name="name"),
    _Listing(service="cloudwatch", operation="describe_alarms", key="MetricAlarms", name="AlarmName"),
    _Listing(
        service="cloudwatch",
        operation="describe_alarms",
        key="CompositeAlarms",
        name="AlarmName",
        arguments={"AlarmTypes": ["CompositeAlarm"]},
    ),
    _Listing(service="cloudwatch", operation="list_dashboards", key="DashboardEntries", name="DashboardName"),
    _Listing(service="dynamodb", operation="list_tables", key="TableNames"),
    _Listing(service="events", operation="list_event_buses", key="EventBuses", name="Name"),
    _Listing(service="events", operation="list_rules", key="Rules", name="Name"),
    _Listing(service="iam", operation="list_roles", key="Roles", name="RoleName"),
    _Listing(service="iam", operation="list_users", key="Users", name="UserName"),
    _Listing(
        service="iam",
        operation="list_policies",
        key="Policies",
        name="PolicyName",
        arguments={"Scope": "Local"},
    ),
    _Listing(service="kms", operation="list_aliases", key="Aliases", name="AliasName"),
    _Listing(service="lambda", operation="list_functions", key="Functions", name="FunctionName"),
    _Listing(service="logs", operation="describe_log_groups", key="logGroups", name="logGroupName"),
    _Listing(service="s3", operation="list_buckets", key="Buckets", name="Name"),
    _Listing(service="scheduler", operation="list_schedules", key="Schedules", name="Name"),
    _Listing(service="sns", operation="list_topics", key="Topics", name="TopicArn"),
    _Listing(service="sqs", operation="list_queues", key="QueueUrls"),
)


# All but DynamoDB. A LocalStack that can't download it takes long to say so.
SERVICES = frozenset({"kms", *(listing.service for listing in _LISTINGS)} - {"dynamodb"})


def inventory(endpoint: Endpoint, *, services: Collection[str] = SERVICES) -> set[str]:
    """Return `service:name` of every resource of some services.

    A KMS key counts until it is scheduled for deletion. AWS's own keys, such as `alias/aws/s3`, do not count.

    Args:
        endpoint: The account.
        services: The services to list, by boto3's names: those in `SERVICES`, and `dynamodb`.

    Raises:
        SettingsError: One of the services is not known.
    """
    if unknown := set(services) - SERVICES - {"dynamodb"}:
        raise SettingsError(
            "services", expected=f"some of {', '.join(sorted({*SERVICES, 'dynamodb'}))}", got=unknown
        )
    found = {
        f"{listing.service}:{item[listing.name] if listing.name else item}"
        for listing in _LISTINGS
        if listing.service in services
        for item in _items(endpoint, listing)
    }
    own = {name for name in found if not name.startswith("kms:alias/aws/")}
    return own | {f"kms:{key}" for key in (_enabled_keys(endpoint) if "kms" in services else ())}


def _items(endpoint: Endpoint, listing: _Listing) -> Iterator[Any]:
    client = clients.client(endpoint, listing.service)
    if client.can_paginate(listing.operation):
        for page in client.get_paginator(listing.operation).paginate(**listing.arguments):
            yield from page.get(listing.key, [])
    else:
        yield from getattr(client, listing.operation)(**listing.arguments).get(listing.key, [])


def _enabled_keys(endpoint: Endpoint) -> list[str]:
    kms = clients.client(endpoint, "kms")
    keys = [key["KeyId"] for page in kms.get_paginator("list_keys").paginate() for key in page["Keys"]]
    described = [kms.describe_key(KeyId=key)["KeyMetadata"] for key in keys]
    return [
        str(key["KeyId"])
        for key in described
        if key["KeyState"] != "PendingDeletion" and key.get("KeyManager") != "AWS"
    ]
