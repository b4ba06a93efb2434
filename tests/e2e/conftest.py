from __future__ import annotations

from typing import TYPE_CHECKING

from tests.order import begin_with

if TYPE_CHECKING:
    import pytest

# The flow itself is what a run shows first. Then comes the file that takes longest, so that no worker is left
# alone with it at the end.
FIRST = ("test_system.py", "test_changes.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files of `FIRST` first."""
    begin_with(FIRST, items)
