"""The content of a Node.js function's zip: its files and `node_modules`, or a bundle of both."""

from __future__ import annotations

import json
import logging
import re
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from harness.errors import CommandError
from harness.functions.packages import esbuild
from harness.functions.packages.archive import Member, files_in
from harness.functions.packages.npm import LOCK, MODULES, Project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.functions.packages.archive import Members
    from harness.functions.packages.platforms import Platform
    from harness.settings import PackageSettings, Settings

log = logging.getLogger(__name__)

_CHECK = Path(str(files("harness.functions.packages"))) / "syntax.cjs"
_SUFFIXES = frozenset({".js", ".cjs", ".mjs"})
# Node.js's output for a syntax error: the place, the line, a pointer into it, the message, and its own stack.
_MISTAKE = re.compile(r"(?s)^(\S[^\n]*:\d+)\n\s*([^\n]*)\n.*?\n(\w+Error: [^\n]*).*$")
_OF_NPM = frozenset({".bin", ".package-lock.json"})


def members(settings: Settings, package: PackageSettings, platform: Platform) -> Members:
    """Return the content of a function's zip for `platform`.

    Raises:
        PackageError: The source has no `package.json` or `package-lock.json`, a module does not compile, a
            program is missing, or its dependencies can't be installed.
    """
    project = Project(settings=settings, package=package, platform=platform)
    own = {name: Member(file) for name, file in _sources(project)}
    if package.entry:
        return own
    _check_syntax(project, [member.file for member in own.values()])
    modules = files_in(project.install() / MODULES, lambda file: file.name in _OF_NPM)
    return {
        **own,
        **{MODULES / name: Member(file, bool(file.stat().st_mode & 0o100)) for name, file in modules},
    }


def sources(
    settings: Settings, package: PackageSettings, platform: Platform
) -> list[tuple[PurePosixPath, Path]]:
    """Return the files of the package that go into its zip, or its bundle, each with its path there.

    Raises:
        PackageError: It is not a package, or it can't be bundled.
    """
    return _sources(Project(settings=settings, package=package, platform=platform))


class Compiler:
    """Node.js's own compiler in a process that stays: starting one takes longer than compiling.

    It starts when it is first asked, and ends with `close`.
    """

    def __init__(self) -> None:
        self._process = ExitStack()
        self._ask: Callable[[str], str] | None = None

    def check(
        self, settings: Settings, package: PackageSettings, platform: Platform, files: Iterable[Path]
    ) -> None:
        """Compile modules of a package, to find mistakes before they run.

        Raises:
            PackageError: One of them does not compile.
        """
        project, modules = Project(settings=settings, package=package, platform=platform), _modules(files)
        if modules and not self._takes(project, modules):
            _check_syntax(project, modules)  # it says what the mistake is

    def close(self) -> None:
        """End the process."""
        self._process.close()
        self._ask = None

    def _takes(self, project: Project, modules: list[Path]) -> bool:
        if self._ask is None:
            self._ask = self._process.enter_context(project.answering([*_compile(project), "--ask"]))
        return self._ask(json.dumps([str(file) for file in modules])) == "true"


def _sources(project: Project) -> list[tuple[PurePosixPath, Path]]:
    project.check()
    if project.package.entry:
        bundle = esbuild.bundle(project)
        return [(PurePosixPath(bundle.name), bundle)]
    return [(name, file) for name, file in project.own_files() if file.name != LOCK]


def _modules(files: Iterable[Path]) -> list[Path]:
    return [file for file in files if file.suffix in _SUFFIXES]


def _compile(project: Project) -> list[str]:
    """Return the command that compiles, with the function's own Node.js if that is installed."""
    from harness.functions.runtimes import nodejs  # noqa: PLC0415 - most commands compile nothing

    settings, major = project.settings, int(project.package.nodejs)
    own = nodejs.is_installed(settings, major)
    node = str(nodejs.install(settings, major).program) if own else project.tool("node")
    return [node, "--experimental-vm-modules", "--no-warnings", str(_CHECK)]


def _check_syntax(project: Project, files: Iterable[Path]) -> None:
    """Compile modules, to find mistakes before an emulator starts."""
    modules = [str(file) for file in _modules(files)]
    if not modules:
        return
    try:
        project.run([*_compile(project), *modules], cwd=project.package.source)
    except CommandError as problem:
        version, _, printed = problem.output.partition("\n")
        mistake = _MISTAKE.sub(r"\1: \3\n  \2", printed.strip())
        if int(version.partition(".")[0]) >= int(project.package.nodejs):
            raise project.error(mistake) from problem
        doubt = f"{project.package.nodejs} may know better than the Node.js on PATH, which is {version}"
        log.warning("%s (%s)", mistake, doubt)
