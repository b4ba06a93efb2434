"""The one fixture that is this project's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from adapter import Orders

if TYPE_CHECKING:
    from harness import Deployment


@pytest.fixture
def orders(stack: Deployment) -> Orders:
    """Provide the deployed stack, emptied of what earlier tests left."""
    return Orders.of(stack)
