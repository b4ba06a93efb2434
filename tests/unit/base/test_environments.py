from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import BackendError, Settings, SettingsError
from harness.base import environments, process
from harness.errors import MissingToolError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    """Return requirements that need no network: a package in a directory."""
    source = tmp_path / "greeter"
    source.mkdir()
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbackend-path = ["."]\nbuild-backend = "backend"\n'
        '[project]\nname = "greeter"\nversion = "1"\n',
        "utf-8",
    )
    (source / "backend.py").write_text(BACKEND, "utf-8")
    file = tmp_path / "requirements.txt"
    file.write_text(f"greeter @ {source.as_uri()}\n", "utf-8")
    return file


BACKEND = """
import os, zipfile
NAME = "greeter-1-py3-none-any.whl"
SEEN = " ".join(os.environ)
def build_wheel(directory, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(f"{directory}/{NAME}", "w") as wheel:
        wheel.writestr("greeter.py", f"GREETING = 'hello'; SEEN = {SEEN!r}")
        for name, text in {
            "METADATA": "Metadata-Version: 2.1\\nName: greeter\\nVersion: 1\\n"
            "Requires-Dist: unlisted @ file:///nowhere\\n",
            "WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
            "RECORD": "",
        }.items():
            wheel.writestr(f"greeter-1.dist-info/{name}", text)
    return NAME
"""


SECRETS = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}


def greeting(python: Path, name: str = "GREETING") -> str:
    argv = [str(python), "-c", f"import greeter; print(greeter.{name})"]
    return process.run(argv, env={}, timeout=30).stdout.strip()


def test_it_installs_the_requirements_once(settings: Settings, requirements: Path) -> None:
    python = environments.install(settings, "greeter", requirements)
    marked = python.parent / "mark"
    marked.touch()

    assert greeting(python) == "hello"
    assert environments.install(settings, "greeter", requirements) == python
    assert marked.exists()


def test_what_is_installed_runs_without_the_callers_credentials(
    settings: Settings, requirements: Path
) -> None:
    environ = {**settings.environ, **SECRETS, "GREETER_KEY": "none of AWS"}
    python = environments.install(replace(settings, environ=environ), "greeter", requirements)

    seen = set(greeting(python, "SEEN").split())
    assert "GREETER_KEY" in seen
    assert seen.isdisjoint(SECRETS)


def test_an_interrupted_build_is_built_anew(settings: Settings, requirements: Path) -> None:
    python = environments.install(settings, "greeter", requirements)
    home = python.parents[1]
    (home / ".complete").unlink()
    python.unlink()

    assert greeting(environments.install(settings, "greeter", requirements)) == "hello"


def test_a_failed_build_is_an_error_and_the_next_try_works(settings: Settings, requirements: Path) -> None:
    good = requirements.read_text("utf-8")
    requirements.write_text("greeter @ file:///nowhere\n", "utf-8")
    with pytest.raises(BackendError, match="nowhere"):
        environments.install(settings, "greeter", requirements)

    requirements.write_text(good, "utf-8")

    assert greeting(environments.install(settings, "greeter", requirements)) == "hello"


def test_other_requirements_get_another_environment(settings: Settings, tmp_path: Path) -> None:
    empty, commented = tmp_path / "a.txt", tmp_path / "b.txt"
    empty.write_text("", "utf-8")
    commented.write_text("# other\n", "utf-8")

    assert environments.install(settings, "x", empty) != environments.install(settings, "x", commented)


@pytest.fixture
def fake_python(tmp_path: Path) -> Callable[[str], Path]:
    def make(script: str) -> Path:
        file = tmp_path / "python"
        file.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        file.chmod(0o755)
        return file

    return make


def test_the_version_of_another_interpreter_is_asked_for(
    settings: Settings, fake_python: Callable[[str], Path]
) -> None:
    assert environments.python_version(replace(settings, python=fake_python("echo 3 11"))) == (3, 11)


def test_another_interpreter_is_asked_without_the_callers_credentials(
    settings: Settings, fake_python: Callable[[str], Path]
) -> None:
    python = fake_python("echo 3 ${AWS_SECRET_ACCESS_KEY:-11}")
    secretive = replace(settings, python=python, environ={**settings.environ, **SECRETS})

    assert environments.python_version(secretive) == (3, 11)


@pytest.mark.parametrize("script", ["echo hello", "exit 1"])
def test_a_program_that_is_no_python_is_refused(
    settings: Settings, fake_python: Callable[[str], Path], script: str
) -> None:
    with pytest.raises(SettingsError, match="HARNESS_PYTHON: expected a Python interpreter"):
        environments.python_version(replace(settings, python=fake_python(script)))


def test_a_missing_interpreter_is_refused(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="HARNESS_PYTHON"):
        environments.python_version(replace(settings, python=Path("/nowhere/python")))


LATEST = ((3, 13), (3, 12))


@pytest.fixture
def nowhere(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings for a machine with only this Python, which can't install another."""
    monkeypatch.setattr("uv.find_uv_bin", lambda: "/bin/false")
    return replace(settings, environ={"HOME": str(tmp_path), "PYENV_ROOT": str(tmp_path / "pyenv")})


def test_the_interpreter_of_this_process_will_do(nowhere: Settings) -> None:
    suited = environments.with_python(nowhere, (sys.version_info[:2],), needed_by="LocalStack")

    assert suited.python == Path(sys.executable)


def test_a_version_that_is_hidden_by_pyenv_is_found(nowhere: Settings, tmp_path: Path) -> None:
    python = tmp_path / "pyenv/versions/3.99.1/bin/python"
    python.parent.mkdir(parents=True)
    python.touch()

    assert environments.with_python(nowhere, ((3, 99),), needed_by="LocalStack").python == python


def test_a_version_that_cannot_be_had_is_told_in_one_line(nowhere: Settings) -> None:
    with pytest.raises(MissingToolError) as caught:
        environments.with_python(nowhere, ((3, 99),), needed_by="LocalStack 4.14.0")

    assert str(caught.value) == (
        "'Python 3.99' is not on PATH; LocalStack 4.14.0 runs on no other: install it, as with "
        "`uv python install 3.99`, or name one in HARNESS_PYTHON"
    )


def test_the_interpreter_that_is_named_is_the_only_choice(
    nowhere: Settings, fake_python: Callable[[str], Path]
) -> None:
    named = replace(nowhere, python=fake_python("echo 3 11"))

    with pytest.raises(SettingsError, match=r"expected Python 3\.13 or 3\.12, which X runs on, got .*3\.11"):
        environments.with_python(named, LATEST, needed_by="X")


def test_a_program_keeps_its_bytecode_whatever_the_caller_does_with_his() -> None:
    environ = {"PYTHONDONTWRITEBYTECODE": "1", "PATH": "/bin"}

    assert environments.program_environ(environ) == {"PATH": "/bin"}
