from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness import Endpoint


@pytest.fixture
def on_an_emulator_of_its_own(endpoint: Endpoint) -> None:
    """Skip a test that starts an emulator of its own, where the backend is none."""
    if endpoint.backend in {"aws", "external"}:
        pytest.skip(f"these tests start an emulator of their own: not on the backend {endpoint.backend}")
