"""The stack in its tests' own words: all that this project adds to the harness."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

from harness import eventually

if TYPE_CHECKING:
    from harness import Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """The deployed stack: its outputs, by their names in Terraform, and what a test does with them."""

    deployment: Deployment
    queue_url: str
    failed_queue_url: str
    table_name: str
    function_name: str

    @classmethod
    def of(cls, deployment: Deployment) -> Self:
        """Return the orders of a deployment of `terraform/`."""
        names = [item.name for item in fields(cls) if item.name != "deployment"]
        return cls(deployment=deployment, **{name: deployment.outputs[name] for name in names})

    def place(self, *bodies: str) -> list[str]:
        """Send messages, all at once, and return their ids."""
        entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
        sqs = self.deployment.client("sqs")
        sent = sqs.send_message_batch(QueueUrl=self.queue_url, Entries=entries)["Successful"]
        return [entry["MessageId"] for entry in sorted(sent, key=lambda entry: int(entry["Id"]))]

    def handled(self) -> None:
        """Wait until the queue has neither a message nor one that is on its way."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        sqs = self.deployment.client("sqs")

        def left() -> dict[str, str]:
            counts: dict[str, str] = sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=names)[
                "Attributes"
            ]
            return counts

        eventually(left, until=lambda counts: set(counts.values()) == {"0"}, what="an empty queue")

    def stored(self) -> dict[str, dict[str, Any]]:
        """Return the items of the table, by order id."""
        pages = self.deployment.client("dynamodb").get_paginator("scan")
        found = pages.paginate(TableName=self.table_name, ConsistentRead=True)
        return {item["order_id"]["S"]: item for page in found for item in page["Items"]}

    def failed(self) -> list[str]:
        """Return the bodies in the dead-letter queue, and leave them there."""
        answer = self.deployment.client("sqs").receive_message(
            QueueUrl=self.failed_queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return [message["Body"] for message in answer.get("Messages", [])]

    def attempts(self, message_id: str) -> int:
        """Return how often the function has logged that it failed on a message."""
        lines = self.deployment.logs(self.function_name)
        return sum(f"message {message_id} failed" in line for line in lines)


def order(order_id: str, *, quantity: int = 1) -> str:
    """Return the body of a message that orders tea."""
    return json.dumps({"order_id": order_id, "product": "tea", "quantity": quantity})
