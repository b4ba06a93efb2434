"""The function that weighs an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_GRAMS = {"tea": 100, "teapot": 900, "anvil": 90_000}


class UnknownProductError(ValueError):
    """Nothing of that name is sold."""


def handler(order: Mapping[str, Any], _context: object) -> int:
    """Return the weight of an order in grams."""
    return sum(_grams(product) * quantity for product, quantity in order["items"].items())


def _grams(product: str) -> int:
    if product not in _GRAMS:
        raise UnknownProductError(f"there is no {product}")
    return _GRAMS[product]
