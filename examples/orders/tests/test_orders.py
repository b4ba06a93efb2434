"""The stack end to end: a real queue, the real function, a real table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from adapter import order

from harness import assert_no_drift, eventually

if TYPE_CHECKING:
    from adapter import Orders

    from harness import Deployment, Settings


def test_a_message_becomes_an_item(orders: Orders) -> None:
    (message,) = orders.place(order("a-1", quantity=3))

    stored = eventually(orders.stored, what="an item")

    assert stored == {
        "a-1": {
            "order_id": {"S": "a-1"},
            "product": {"S": "tea"},
            "quantity": {"N": "3"},
            "message_id": {"S": message},
        }
    }


def test_the_same_message_twice_is_one_item(orders: Orders) -> None:
    orders.place(order("a-1"))
    first = eventually(orders.stored, what="an item")

    orders.place(order("a-1"))
    orders.handled()

    assert orders.stored() == first  # with the first message's id: the second has changed nothing
    assert orders.failed() == []


@pytest.mark.parametrize("poison", ["no order", order("a-3", quantity=0)])
def test_a_poison_message_is_set_aside_and_its_neighbours_are_stored(
    orders: Orders, harness_settings: Settings, poison: str
) -> None:
    _, message, _ = orders.place(order("a-1"), poison, order("a-2"))

    orders.handled()

    assert orders.failed() == [poison]
    assert orders.stored().keys() == {"a-1", "a-2"}
    assert orders.attempts(message) == int(harness_settings.variables["max_receives"])


def test_a_second_plan_changes_nothing(stack: Deployment) -> None:
    assert_no_drift(stack.plan())
