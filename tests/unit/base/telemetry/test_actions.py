from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import NotReachedError, eventually
from harness.base.telemetry import actions
from harness.stack.assertions.expect import expect

if TYPE_CHECKING:
    from harness.base.telemetry.actions import Action


def test_a_wait_is_told_with_the_line_that_asked_for_it() -> None:
    done: list[Action] = []

    with actions.ENDED.heard_by(done.append), pytest.raises(NotReachedError):
        eventually(lambda: 0, what="an object", timeout=0.05)

    (action,) = done
    assert (action.kind, action.name, action.ok) == ("wait", "an object", False)
    assert action.seconds == pytest.approx(0.05, abs=5)
    file, _, line = action.place.rpartition(":")
    assert file == __file__
    assert "eventually(" in Path(file).read_text("utf-8").splitlines()[int(line) - 1]


def test_a_wait_within_a_wait_is_a_part_of_it() -> None:
    done: list[Action] = []

    with actions.ENDED.heard_by(done.append):
        eventually(lambda: eventually(lambda: 1, what="inner"), what="outer")
        eventually(lambda: 1, what="later")

    assert [each.name for each in done] == ["outer", "later"]


def test_actions_are_told_in_the_order_of_their_ends() -> None:
    done: list[Action] = []

    with actions.ENDED.heard_by(done.append):
        expect("one", 1, 1)
        actions.report("fire", "two", begun=time.time() - 3)
    expect("nobody listens", 1, 1)

    assert [(each.kind, each.name) for each in done] == [("assert", "one"), ("fire", "two")]
    assert done[1].seconds >= 3
