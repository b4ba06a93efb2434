"""The programs that run functions, with the packages of AWS's runtime. Prepared once, then cached."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from harness.base import environments
from harness.errors import MissingToolError, SettingsError
from harness.functions.runtimes import nodejs
from harness.terraform import needs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.settings import Settings

PYTHON_REQUIREMENTS = Path(str(files("harness.backends"))) / "requirements" / "lambda-runtime.txt"
_OLDEST_PYTHON = 9
_OLDEST_NODE = 18
_STAND_INS = {"python3.": "python3.9", "nodejs": "nodejs20.x"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """The program and packages for the functions of one runtime.

    Attributes:
        program: The interpreter.
        packages: The directory of modules that functions find beside their own, if not the program's.
        client: The module of AWS's runtime client, if it is not among the program's.
    """

    program: Path
    packages: Path | None = None
    client: Path | None = None


def prepare(settings: Settings, runtime: str) -> Toolchain:
    """Return the toolchain of a runtime, and install missing parts once.

    Args:
        settings: Say where the cache is, and which runtimes others stand in for.
        runtime: Lambda's name for it, such as `python3.11`.

    Raises:
        HarnessError: A package fails its check.
        CommandError: Its packages can't be installed.
        MissingToolError: This machine has no such interpreter, and none can be installed.
        SettingsError: The harness knows no such runtime.
    """
    used = settings.runtimes.get(runtime, runtime)
    if match := re.fullmatch(r"python3\.(\d+)", used):
        return _python(settings, int(match[1]))
    if match := re.fullmatch(r"nodejs(\d+)\.x", used):
        return _nodejs(settings, int(match[1]))
    raise _unknown(used)


def lacks(settings: Settings, feature: str) -> bool:
    """Return whether a need of `harness.terraform.needs` is a function that can't run without Docker."""
    if feature == needs.IMAGES:
        return True
    runtime = feature.removeprefix(needs.RUNTIME)
    return runtime != feature and not _can_be_had(settings, settings.runtimes.get(runtime, runtime))


def stand_ins_for(settings: Settings, features: Iterable[str]) -> str:
    """Return the setting that lets newer runtimes stand in for old ones, or an empty text if none is old."""
    asked = {feature.removeprefix(needs.RUNTIME) for feature in features if feature.startswith(needs.RUNTIME)}
    old = sorted(runtime for runtime in asked if not _can_be_had(settings, runtime))
    pairs = ", ".join(
        f'"{runtime}" = "{new}"'
        for runtime in old
        for began, new in _STAND_INS.items()
        if runtime.startswith(began)
    )
    return f"runtimes = {{ {pairs} }}" if pairs else ""


def _can_be_had(settings: Settings, runtime: str) -> bool:
    if match := re.fullmatch(r"python3\.(\d+)", runtime):
        return int(match[1]) >= _OLDEST_PYTHON
    if match := re.fullmatch(r"nodejs(\d+)\.x", runtime):
        return int(match[1]) >= _OLDEST_NODE and nodejs.can_be_had(settings, int(match[1]))
    return runtime.startswith("provided")


def _python(settings: Settings, minor: int) -> Toolchain:
    if minor < _OLDEST_PYTHON:
        raise _unknown(f"python3.{minor}")
    # The interpreter that a setting names is the emulator's.
    free = replace(settings, python=None)
    try:
        suited = environments.with_python(free, [(3, minor)], needed_by=f"runtime python3.{minor}")
    except MissingToolError as problem:
        remedy = f"install it, as with `uv python install 3.{minor}` or pyenv"
        raise MissingToolError(problem.tool, remedy=remedy) from problem
    return Toolchain(program=environments.install(suited, "lambda-runtime", PYTHON_REQUIREMENTS))


def _nodejs(settings: Settings, major: int) -> Toolchain:
    if major < _OLDEST_NODE:
        raise _unknown(f"nodejs{major}.x")
    node = nodejs.install(settings, major)
    return Toolchain(
        program=node.program,
        packages=nodejs.modules(settings, node),
        client=nodejs.runtime_client(settings, node, major),
    )


def _unknown(runtime: str) -> SettingsError:
    known = f"python3.{_OLDEST_PYTHON} or later, or nodejs{_OLDEST_NODE}.x or later"
    return SettingsError("runtime", expected=known, got=runtime)
