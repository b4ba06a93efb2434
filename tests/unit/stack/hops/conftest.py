from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import pytest

from harness.aws import outbox
from tests.unit.stack.hops.world import World

if TYPE_CHECKING:
    from harness.values import FiredEvent, Sent


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> deque[tuple[float, str, FiredEvent | Sent]]:
    """Forget everything that other tests have sent."""
    remembered: deque[tuple[float, str, FiredEvent | Sent]] = deque()
    monkeypatch.setattr(outbox, "_SENT", remembered)
    return remembered


@pytest.fixture
def world() -> World:
    return World()
