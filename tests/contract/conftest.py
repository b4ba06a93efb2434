from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.order import begin_with

if TYPE_CHECKING:
    from harness import Endpoint

# The files that take longest, so that no worker is left alone with one at the end.
LONGEST = ("test_why.py", "test_lifecycle.py", "test_onward.py", "test_schedules.py", "test_resources.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files of `LONGEST` first."""
    begin_with(LONGEST, items)


@pytest.fixture
def on_this_machine(endpoint: Endpoint) -> None:
    """Skip a test of processes and files, unless the backend runs on this machine."""
    if endpoint.backend not in {"host", "localemu", "ministack"}:
        pytest.skip("looks at processes and files of this machine")
