from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness import Endpoint

# The flow itself is what a run shows first. Then come the files that take longest, so that no worker is left
# alone with one at the end.
FIRST = (
    "test_system.py",
    "test_production.py",
    "test_why.py",
    "test_failover.py",
    "test_lifecycle.py",
    "test_onward.py",
    "test_schedules.py",
    "test_resources.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files of `FIRST` first, in that order. The others follow in their own order."""
    order = {name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.fixture
def on_this_machine(endpoint: Endpoint) -> None:
    """Skip a test of processes and files, unless the backend runs on this machine."""
    if endpoint.backend not in {"host", "localemu", "ministack"}:
        pytest.skip("looks at processes and files of this machine")
