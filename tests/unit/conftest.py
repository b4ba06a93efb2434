from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING

import hypothesis
import pytest
from botocore.loaders import JSONFileLoader

from harness import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# How long an example takes says nothing on a machine that is busy with others.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def models_are_read_once() -> Iterator[None]:
    """Let all sessions of botocore share the models of services: there are many, and each reads its own."""
    read = functools.cache(JSONFileLoader().load_file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda _, path: read(path))
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return the settings of an empty project with a cache of its own, whatever the environment sets."""
    project = tmp_path / "project"
    project.mkdir()
    environ = {name: text for name, text in os.environ.items() if not name.startswith("HARNESS_")}
    return Settings.from_env({**environ, "HARNESS_CACHE_DIR": str(tmp_path / "cache")}, project)
