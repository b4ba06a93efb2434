from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import Settings, SettingsError
from harness.base import environments
from harness.errors import MissingToolError
from harness.functions import runtimes
from harness.terraform.needs import RUNTIME

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


def test_a_newer_runtime_stands_in_for_an_old_one(settings: Settings) -> None:
    here = f"python3.{sys.version_info.minor}"
    told = replace(settings, runtimes={"python3.8": here})

    assert runtimes.prepare(told, "python3.8") == runtimes.prepare(settings, here)
    assert runtimes.lacks(settings, f"{RUNTIME}python3.8")
    assert not runtimes.lacks(told, f"{RUNTIME}python3.8")
    assert runtimes.lacks(replace(settings, runtimes={"python3.8": "python3.7"}), f"{RUNTIME}python3.8")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            ["python3.8", "nodejs16.x"],
            'runtimes = { "nodejs16.x" = "nodejs20.x", "python3.8" = "python3.9" }',
        ),
        (["nodejs22.x", "java21", "python2.7"], ""),
    ],
)
def test_what_may_stand_in_is_told(settings: Settings, asked: list[str], told: str) -> None:
    needs = [*(f"{RUNTIME}{runtime}" for runtime in asked), "kinesis"]

    assert runtimes.stand_ins_for(settings, needs) == told


@pytest.mark.parametrize(("version", "told"), [("v18.1.0", ""), ("v20.1.0", '"nodejs18.x" = "nodejs20.x"')])
def test_a_node_that_pypi_does_not_have_is_lacking_unless_it_is_on_path(
    settings: Settings, tmp_path: Path, version: str, told: str
) -> None:
    for program in (tmp_path / "node", tmp_path / "npm"):
        program.write_text(f"#!/bin/sh\necho {version}\n", "utf-8")
        program.chmod(0o755)
    settings = replace(settings, environ={"PATH": f"{tmp_path}:/bin"})

    assert runtimes.lacks(settings, f"{RUNTIME}nodejs18.x") == bool(told)
    assert told in runtimes.stand_ins_for(settings, [f"{RUNTIME}nodejs18.x"])
