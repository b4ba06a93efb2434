from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.fake_stack import FakeStack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStack]:
    """Provide a project on a fake emulator that keeps a state."""
    made = FakeStack.made(tmp_path / "project")
    made.made_importable(monkeypatch)
    yield made
    made.kill()
