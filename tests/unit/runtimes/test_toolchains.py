from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import Settings, SettingsError, runtimes
from harness.base import environments
from harness.errors import MissingToolError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.base.environments import Version


@pytest.fixture(autouse=True)
def nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        environments, "install", lambda settings, name, _: settings.cache_dir / name / settings.python.name
    )


def test_python_functions_run_on_an_interpreter_of_their_version(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def with_python(settings: Settings, versions: Sequence[Version], *, needed_by: str) -> Settings:
        assert (settings.python, needed_by) == (None, "runtime python3.11")
        ((major, minor),) = versions
        return replace(settings, python=tmp_path / f"python{major}.{minor}")

    monkeypatch.setattr(environments, "with_python", with_python)
    emulators = replace(settings, python=tmp_path / "the emulator's")

    tools = runtimes.prepare(emulators, "python3.11")

    assert tools.program == settings.cache_dir / "lambda-runtime" / "python3.11"
    assert tools.packages is None


def test_this_interpreter_serves_its_own_version(settings: Settings) -> None:
    tools = runtimes.prepare(settings, f"python3.{sys.version_info.minor}")

    assert tools.program.is_relative_to(settings.cache_dir)


def test_an_interpreter_that_is_missing_is_told_with_how_to_get_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "_by_uv", lambda *_: None)

    with pytest.raises(MissingToolError, match=r"Python 3\.99.*`uv python install 3\.99` or pyenv"):
        runtimes.prepare(settings, "python3.99")


@pytest.mark.parametrize("runtime", ["python3.8", "python2.7", "nodejs16.x", "java21", "", "../python3.13"])
def test_any_other_runtime_is_refused(settings: Settings, runtime: str) -> None:
    with pytest.raises(SettingsError, match=r"expected python3\.9 or later"):
        runtimes.prepare(settings, runtime)
