"""The function: the orders of a batch become items, each once, however often it is delivered."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from orders.order import InvalidOrderError, Order

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)

_TABLE = os.environ["TABLE_NAME"]
_dynamodb = boto3.client("dynamodb")


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Store the orders of a batch.

    Returns:
        The messages that failed: these come again, and no others.
    """
    records = event["Records"]
    failed = [record["messageId"] for record in records if not _stored(record)]
    log.info("stored %d of %d messages", len(records) - len(failed), len(records))
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}


def _stored(record: Mapping[str, Any]) -> bool:
    try:
        _store(Order.parse(record["body"]), record["messageId"])
    except (InvalidOrderError, BotoCoreError, ClientError):
        log.exception("message %s failed", record["messageId"])
        return False
    return True


def _store(order: Order, message_id: str) -> None:
    """Store an order unless it is there: the first message with its id wins."""
    item = {
        "order_id": {"S": order.order_id},
        "product": {"S": order.product},
        "quantity": {"N": str(order.quantity)},
        "message_id": {"S": message_id},
    }
    try:
        _dynamodb.put_item(TableName=_TABLE, Item=item, ConditionExpression="attribute_not_exists(order_id)")
    except _dynamodb.exceptions.ConditionalCheckFailedException:
        log.info("order %s is stored already", order.order_id)
