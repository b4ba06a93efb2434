from __future__ import annotations

import os
from typing import TYPE_CHECKING

import hypothesis
import pytest

from harness import Settings

if TYPE_CHECKING:
    from pathlib import Path

# The duration of an example means nothing on a busy machine.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return the settings of an empty project with its own cache, independent of the environment."""
    project = tmp_path / "project"
    project.mkdir()
    environ = {name: text for name, text in os.environ.items() if not name.startswith("HARNESS_")}
    return Settings.from_env({**environ, "HARNESS_CACHE_DIR": str(tmp_path / "cache")}, project)


@pytest.fixture(autouse=True)
def _without_what_no_run_within_a_run_needs(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leave hypothesis and anyio out of the runs of pytest in a test. They take a quarter of the time."""
    if "pytester" in request.fixturenames:
        request.getfixturevalue("pytester")  # which takes the options of the environment away
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest -p no:anyio")
