"""An order, and how to read one from a message."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Self


class InvalidOrderError(ValueError):
    """A message is no order, and never will be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order: its id, its product, and the quantity."""

    order_id: str
    product: str
    quantity: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the order that the JSON object `text` describes.

        Raises:
            InvalidOrderError: It describes none.
        """
        try:
            match json.loads(text):
                case {"order_id": str(order_id), "product": str(product), "quantity": int(quantity)} if (
                    order_id and product and quantity > 0
                ):
                    return cls(order_id=order_id, product=product, quantity=quantity)
        except ValueError as problem:
            raise InvalidOrderError(f"expected a JSON object, got {text!r}") from problem
        raise InvalidOrderError(f"expected order_id, product and a quantity above 0, got {text!r}")
