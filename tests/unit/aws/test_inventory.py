from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from harness import Endpoint, SettingsError
from harness.aws import clients
from harness.aws.inventory import inventory

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def account() -> Iterator[Endpoint]:
    """Provide an account in memory."""
    with mock_aws():
        yield Endpoint(backend="aws", url="", region="eu-north-1")


def test_all_pages_of_a_list_count(account: Endpoint) -> None:
    dynamodb = clients.client(account, "dynamodb")
    for number in range(101):  # a page of ListTables has a hundred
        dynamodb.create_table(
            TableName=f"table-{number:03}",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    found = inventory(account, services={"dynamodb"})

    assert len(found) == 101
    assert "dynamodb:table-100" in found


def test_a_key_that_is_scheduled_for_deletion_is_gone(account: Endpoint) -> None:
    kms = clients.client(account, "kms")
    kept, going = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    kms.schedule_key_deletion(KeyId=going)

    found = inventory(account, services={"kms"})

    assert f"kms:{kept}" in found
    assert f"kms:{going}" not in found


def test_only_the_services_asked_for_are_asked(account: Endpoint) -> None:
    clients.client(account, "sqs").create_queue(QueueName="mine")

    assert inventory(account, services={"s3"}) == set()
    assert [name.partition(":")[0] for name in inventory(account, services={"s3", "sqs"})] == ["sqs"]


def test_a_service_that_is_not_known_is_an_error(account: Endpoint) -> None:
    with pytest.raises(SettingsError, match=r"services: expected some of apigateway, .*got \{'sqss'\}"):
        inventory(account, services={"sqss"})
