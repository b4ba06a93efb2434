"""Virtual environments that are built once, from pinned requirements, and then kept in the cache."""

from __future__ import annotations

import hashlib
import logging
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import uv

from harness.base.files import locked
from harness.base.isolation import without_aws
from harness.base.process import run
from harness.errors import BackendError, CommandError, MissingToolError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from harness.settings import Settings

log = logging.getLogger(__name__)

BUILD_TIMEOUT = 900.0
_COMPLETE = ".complete"
_SITE_PACKAGES = "site-packages"


type Version = tuple[int, int]


def with_python(settings: Settings, versions: Sequence[Version], *, needed_by: str) -> Settings:
    """Return `settings` with an interpreter that suits `needed_by`. Installs one with uv if necessary.

    Args:
        settings: May name an interpreter, which is the only choice then.
        versions: The versions that will do, the best first.
        needed_by: The program that needs it, such as `LocalStack 4.14.0`.

    Raises:
        MissingToolError: This machine has no such interpreter, and uv can't install one.
        SettingsError: The configured interpreter has another version, or does not exist.
    """
    try:
        return with_present_python(settings, versions, needed_by=needed_by)
    except MissingToolError:
        log.info("installing Python %s for %s (once)", _alternatives(versions[:1]), needed_by)
        _by_uv(settings, "install", "--no-config", _alternatives(versions[:1]))
    return with_present_python(settings, versions, needed_by=needed_by)


def with_present_python(settings: Settings, versions: Sequence[Version], *, needed_by: str) -> Settings:
    """Do the same as `with_python`, but install nothing.

    Raises:
        MissingToolError: This machine has no such interpreter.
        SettingsError: The configured interpreter has another version, or does not exist.
    """
    if settings.python:
        _check_version(settings, versions, needed_by)
        return settings
    candidates = (path for version in versions for path in _candidates(settings, version))
    python = next((path for path in candidates if path), None)
    if python is None:
        raise _missing(versions, needed_by)
    return replace(settings, python=python)


def own_python(settings: Settings) -> Path:
    """Return the configured interpreter, or that of this process."""
    return settings.python or Path(sys.executable)


def _check_version(settings: Settings, versions: Sequence[Version], needed_by: str) -> None:
    version = python_version(settings)
    if version not in versions:
        expected = f"Python {_alternatives(versions)}, which {needed_by} runs on"
        got = f"{own_python(settings)} (Python {_alternatives([version])})"
        raise SettingsError("HARNESS_PYTHON", expected=expected, got=got)


def _missing(versions: Sequence[Version], needed_by: str) -> MissingToolError:
    wanted = _alternatives(versions)
    remedy = (
        f"{needed_by} runs on no other: install it, as with "
        f"`uv python install {_alternatives(versions[:1])}`, "
        "or name one in HARNESS_PYTHON"
    )
    return MissingToolError(f"Python {wanted}", remedy=remedy)


def _alternatives(versions: Iterable[Version]) -> str:
    return " or ".join(".".join(map(str, version)) for version in versions)


def _candidates(settings: Settings, version: Version) -> Iterator[Path | None]:
    """Yield interpreters of a version: this one, those that uv finds, and those behind pyenv's shims."""
    if sys.version_info[:2] == version:
        yield Path(sys.executable)
    yield _by_uv(settings, "find", "--no-project", "--no-config", _alternatives([version]))
    pyenv = Path(settings.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{_alternatives([version])}.*/bin/python"), reverse=True)


def _by_uv(settings: Settings, *arguments: str) -> Path | None:
    """Return the path that `uv python` prints, or None if it fails or prints none."""
    argv = [uv.find_uv_bin(), "python", *arguments]
    try:
        printed = run(argv, env=without_aws(settings.environ), timeout=BUILD_TIMEOUT).stdout.strip()
    except CommandError as problem:
        log.debug("%s", problem)
        return None
    return Path(printed) if printed else None


def python_version(settings: Settings) -> Version:
    """Return the major and minor version of the interpreter that a setting names, or of this process.

    Raises:
        SettingsError: It is not a Python interpreter.
    """
    python = own_python(settings)
    if str(python) == sys.executable:
        return sys.version_info[:2]
    code = "import sys; print(*sys.version_info[:2])"
    try:
        major, minor = run(
            [str(python), "-c", code], env=without_aws(settings.environ), timeout=30
        ).stdout.split()
    except (OSError, CommandError, ValueError) as problem:
        raise SettingsError("HARNESS_PYTHON", expected="a Python interpreter", got=str(python)) from problem
    return int(major), int(minor)


def install(settings: Settings, name: str, requirements: Path) -> Path:
    """Return the interpreter of a virtual environment that has `requirements`, and nothing else, installed.

    The environment is keyed by interpreter and requirements. If an interrupted build left it incomplete, it
    is built again. If two processes want the same one, only one builds it.

    Args:
        settings: The settings with the cache directory and the interpreter.
        name: The purpose of the environment, which becomes part of its directory's name.
        requirements: A requirements file with every package pinned. Nothing else is installed.

    Raises:
        BackendError: The packages can't be installed.
        SettingsError: `settings.python` is not a Python interpreter.
    """
    home = _home(settings, name, requirements)
    return _from_pypi(home, lambda home: _build(settings, requirements, home), name) / "bin" / "python"


def program_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a program that `install` has installed. It starts quicker with bytecode."""
    return {name: value for name, value in environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def is_cached(settings: Settings, name: str, requirements: Path) -> bool:
    """Return whether `install` has nothing left to do.

    Raises:
        SettingsError: `settings.python` is not a Python interpreter.
    """
    return (_home(settings, name, requirements) / _COMPLETE).exists()


def installation(settings: Settings, requirements: Mapping[str, Path]) -> str:
    """Describe which of the named environments are installed, as the end of a sentence."""
    complete = all(is_cached(settings, name, file) for name, file in requirements.items())
    return "is installed" if complete else "will be installed from PyPI on first use"


def _home(settings: Settings, name: str, requirements: Path) -> Path:
    major, minor = python_version(settings)
    digest = hashlib.sha256(
        f"{own_python(settings).resolve()}\n{requirements.read_text('utf-8')}".encode()
    ).hexdigest()
    return settings.cache_dir / "environments" / f"{name}-py{major}.{minor}-{digest[:12]}"


def site_packages(settings: Settings, name: str, requirements: Path, *, python: str, platform: str) -> Path:
    """Return a directory `site-packages` that has `requirements` installed for another machine's Python.

    Args:
        settings: The settings with the cache directory, and the interpreter that compiles bytecode.
        name: The purpose of the packages, which becomes part of the directory's path.
        requirements: A requirements file with every package pinned.
        python: The other Python's version, such as `3.13`.
        platform: The other machine, as uv names platforms.

    Raises:
        BackendError: The packages can't be installed.
    """
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    home = settings.cache_dir / "packages" / f"{name}-py{python}-{platform}-{digest[:12]}"

    def install(home: Path) -> None:
        argv = [uv.find_uv_bin(), "pip", "install", "--target", str(home / _SITE_PACKAGES), "--no-deps"]
        other = ["--python-version", python, "--python-platform", platform, "--only-binary", ":all:"]
        given = ["--python", str(own_python(settings)), "--requirements", str(requirements)]
        run([*argv, *other, *given], env=without_aws(settings.environ), timeout=BUILD_TIMEOUT, on_line=_tell)

    return _from_pypi(home, install, name) / _SITE_PACKAGES


def _from_pypi(home: Path, build: Callable[[Path], None], name: str) -> Path:
    try:
        return build_once(home, build, what=name)
    except CommandError as problem:
        reason = f"{name} could not be installed; is PyPI reachable?\n{problem}"
        raise BackendError(name, reason) from problem


def build_once(home: Path, build: Callable[[Path], None], *, what: str) -> Path:
    """Return the directory `home`, which `build` fills unless it is complete already.

    The remains of an interrupted build are removed first. If two processes want the same directory, only one
    builds it.

    Args:
        home: The directory, in the cache.
        build: Creates and fills the directory.
        what: The name of the thing to install, for the progress.
    """
    home.parent.mkdir(parents=True, exist_ok=True)
    with locked(home.with_name(home.name + ".lock")):
        if not (home / _COMPLETE).exists():
            log.info("installing %s into %s (once)", what, home)
            shutil.rmtree(home, ignore_errors=True)
            build(home)
            (home / _COMPLETE).touch()
    return home


def _build(settings: Settings, requirements: Path, home: Path) -> None:
    program = uv.find_uv_bin()
    for argv in (
        [program, "venv", "--no-project", "--no-config", "--python", str(own_python(settings)), str(home)],
        [
            program,
            "pip",
            "install",
            "--no-deps",  # the requirements name every package
            "--python",
            str(home / "bin" / "python"),
            "--requirements",
            str(requirements),
        ],
    ):
        run(argv, env=without_aws(settings.environ), timeout=BUILD_TIMEOUT, on_line=_tell)


def _tell(line: str) -> None:
    if not line.startswith(" + "):  # one line for every package is too much
        log.info("  %s", line)
