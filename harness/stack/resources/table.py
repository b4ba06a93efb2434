"""DynamoDB tables."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from harness.aws.clients import plain_item, typed_item
from harness.stack.resources.lookup import View
from harness.values import Sent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.values import Acted


class Table(View):
    """A table. Items are Python values, and numbers are `Decimal`."""

    __slots__ = ()

    def put(self, item: Mapping[str, Any]) -> Sent:
        """Write an item, and return it for `Deployment.trace`.

        Use `Decimal` for a number with a fraction.
        """
        typed, at, values = typed_item(item), time.time(), self.resource.values
        before = (
            self.client("dynamodb")
            .put_item(TableName=self.name, Item=typed, ReturnValues="ALL_OLD")
            .get("Attributes")
        )
        sent = Sent(
            arn=str(values["arn"]),
            id=str(item[values["hash_key"]]),
            payload=json.dumps(typed),
            at=at,
            attributes={"OldImage": before} if before else {},
        )
        return self._remember(sent, at)

    def items(self) -> list[dict[str, Any]]:
        """Return all items, with a consistent scan."""
        pages = self.client("dynamodb").get_paginator("scan")
        found = pages.paginate(TableName=self.name, ConsistentRead=True)
        return [plain_item(item) for page in found for item in page["Items"]]

    def wait_for(
        self, like: Mapping[str, Any], *, timeout: float = 30.0, of: Acted | None = None
    ) -> dict[str, Any]:
        """Wait for an item that has all attributes in `like`, such as its key, and return it.

        Args:
            like: The attributes.
            timeout: Seconds until giving up.
            of: The event or message that should create the item. By default, everything that the test has
                sent. The wait ends early once it is lost.

        Raises:
            NotReachedError: No such item came in time. `last` has the items in the table.
        """
        items = self._wait(
            self.items,
            until=lambda items: any(_fits(item, like) for item in items),
            what=f"an item like {dict(like)} in the table {self.name}",
            timeout=timeout,
            of=of,
        )
        return next(item for item in items if _fits(item, like))


def _fits(item: Mapping[str, Any], like: Mapping[str, Any]) -> bool:
    return all(name in item and item[name] == value for name, value in like.items())
