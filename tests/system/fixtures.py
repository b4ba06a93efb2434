"""The fixture of the tests of this repository's system."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.system.scenario import Scenario

if TYPE_CHECKING:
    from harness import Deployment


@pytest.fixture
def scenario(stack: Deployment) -> Scenario:
    """Provide the system with an empty bucket."""
    return Scenario.of(stack)
