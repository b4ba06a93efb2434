"""The workflow end to end: real executions, real functions, a real topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness import ExpectationError

if TYPE_CHECKING:
    from harness import Deployment


def order(**items: int) -> dict[str, Any]:
    """Return an order of these items."""
    return {"id": "a-1", "to": "Ada", "items": items}


def test_a_light_order_gets_a_label(stack: Deployment) -> None:
    shipped = stack.state_machine().run(order(tea=2, teapot=1))

    assert shipped["grams"] == 1100
    assert stack.function("label").wait_for_log("label for a-1: Ada, 1100 g")


def test_a_heavy_order_is_refused(stack: Deployment) -> None:
    with pytest.raises(ExpectationError, match=r"TooHeavy.*no parcel may weigh more than 30 kg"):
        stack.state_machine().run(order(anvil=1))


def test_an_order_of_what_is_not_sold_stops_where_it_is_weighed(stack: Deployment) -> None:
    started = stack.state_machine().start(order(moon=1))

    stop = stack.trace(started).failure

    assert stop is not None
    assert stop.name == "state Weigh"
    assert "there is no moon" in stop.seen


def test_aws_would_take_it_and_a_second_plan_changes_nothing(stack: Deployment) -> None:
    assert stack.refusals() == []
    assert stack.plan() == []
