from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness import Endpoint


@pytest.fixture
def on_this_machine(endpoint: Endpoint) -> None:
    """Skip a test that looks at processes and files unless the backend's are this machine's."""
    if endpoint.backend not in {"host", "ministack"}:
        pytest.skip("looks at processes and files of this machine")
