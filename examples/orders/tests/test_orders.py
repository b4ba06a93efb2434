"""The stack end to end: a real queue, the real function, a real table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness import assert_no_drift

if TYPE_CHECKING:
    from harness import Deployment, Settings


def order(order_id: str, *, quantity: int = 1) -> dict[str, object]:
    """Return a message that orders tea."""
    return {"order_id": order_id, "product": "tea", "quantity": quantity}


def test_a_message_becomes_an_item(stack: Deployment) -> None:
    (message,) = stack.queue("queue_url").send(order("a-1", quantity=3))

    stored = stack.table().wait_for({"order_id": "a-1"})

    assert stored == {"order_id": "a-1", "product": "tea", "quantity": 3, "message_id": message.id}


def test_the_same_message_twice_is_one_item(stack: Deployment) -> None:
    stack.queue("queue_url").send(order("a-1"))
    first = stack.table().wait_for({"order_id": "a-1"})

    stack.queue("queue_url").send(order("a-1"))
    stack.queue("queue_url").wait_until_empty()

    assert stack.table().items() == [first]  # with the first message's id: the second has changed nothing
    assert stack.queue("failed_queue_url").peek() == []


@pytest.mark.parametrize("poison", ["no order", json.dumps(order("a-3", quantity=0))])
def test_a_poison_message_is_set_aside_and_its_neighbours_are_stored(
    stack: Deployment, harness_settings: Settings, poison: str
) -> None:
    _, message, _ = stack.queue("queue_url").send(order("a-1"), poison, order("a-2"))

    stack.queue("queue_url").wait_until_empty()

    assert stack.queue("failed_queue_url").peek() == [poison]
    assert {item["order_id"] for item in stack.table().items()} == {"a-1", "a-2"}
    attempts = [line for line in stack.function().logs() if f"message {message.id} failed" in line]
    assert len(attempts) == int(harness_settings.variables["max_receives"])


def test_a_second_plan_changes_nothing(stack: Deployment) -> None:
    assert_no_drift(stack.plan())


def test_aws_would_take_it_as_it_is(stack: Deployment) -> None:
    assert stack.refusals() == []
