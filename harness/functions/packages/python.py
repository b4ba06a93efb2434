"""The content of a Python function's zip: its package or its modules, and wheels for its platform."""

from __future__ import annotations

import hashlib
import re
import sys
import warnings
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import uv

from harness.base.environments import build_once, own_python
from harness.base.isolation import without_aws
from harness.base.process import run
from harness.errors import CommandError, PackageError
from harness.functions.packages.archive import Member, files_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from harness.functions.packages.archive import Members
    from harness.functions.packages.platforms import Platform
    from harness.settings import PackageSettings, Settings

INSTALL_TIMEOUT = 300.0
# Files that differ between installers and that nothing reads in a zip.
_INSTALLERS = frozenset(
    {".complete", ".lock", "INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_cache.json"}
)
_SKIPPED_NAMES = _INSTALLERS | {"__pycache__", "bin"}
_SKIPPED_SUFFIXES = frozenset({".pyc", ".pyi", ".typed"})
_WITHOUT_WHEEL = re.compile(r"Because (?:only )?(\S+) has no (?:usable )?wheels")
_INCLUDED = re.compile(r"(?m)^\s*(?:-r|-c|--requirement|--constraint)[ =]*([^\s#]+)")


def members(settings: Settings, package: PackageSettings, platform: Platform) -> Members:
    """Return the content of a function's zip for `platform`.

    Raises:
        PackageError: The source holds no module, a module does not compile, or its dependencies can't be
            installed.
    """
    own = dict(sources(package))
    modules = sorted(file for file in own.values() if file.suffix == ".py")
    if not modules:
        raise PackageError(package.source, "expected a Python package or modules, found no .py file there")
    check_syntax(package, modules)
    has_libraries = package.group or package.requirements
    libraries = files_in(_install_once(settings, package, platform), _is_skipped) if has_libraries else ()
    return {name: Member(file) for name, file in {**own, **dict(libraries)}.items()}


def sources(package: PackageSettings) -> Iterator[tuple[PurePosixPath, Path]]:
    """Yield the files of the package that go into its zip, each with its path there."""
    inside = PurePosixPath(package.source.relative_to(import_root(package)))
    for name, file in files_in(package.source, _is_skipped_source):
        if not _is_output(package, file):
            yield inside / name, file


def import_root(package: PackageSettings) -> Path:
    """Return the directory of the zip's root: the source's parent if the source is a package, else itself."""
    return package.source.parent if (package.source / "__init__.py").is_file() else package.source


def check_syntax(package: PackageSettings, files: Iterable[Path]) -> None:
    """Compile modules of a package, to find mistakes before an emulator starts.

    Raises:
        PackageError: One of them does not compile.
    """
    if tuple(map(int, package.python.split("."))) > sys.version_info:
        return  # the function's Python may know more than this one
    for file in files:
        try:
            with warnings.catch_warnings(action="ignore"):
                compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
        except SyntaxError as problem:
            line = f"{file}:{problem.lineno}: {problem.msg}\n  {(problem.text or '').strip()}"
            raise PackageError(package.source, line) from problem
        except ValueError as problem:  # such as null bytes
            raise PackageError(package.source, f"{file}: {problem}") from problem


def _is_skipped(file: PurePosixPath) -> bool:
    return file.name in _SKIPPED_NAMES or file.suffix in _SKIPPED_SUFFIXES


def _is_skipped_source(file: PurePosixPath) -> bool:
    return _is_skipped(file) or file.name.startswith(".")


def _is_output(package: PackageSettings, file: Path) -> bool:
    """Return whether a file is the package's own zip, of any platform, or lies beside it during a build."""
    is_beside = file.parent == package.output.parent and file.name.startswith(f"{package.output.stem}.")
    return is_beside and file.suffix in {".zip", ".lock", ".new"}


def _install_once(settings: Settings, package: PackageSettings, platform: Platform) -> Path:
    """Return a directory that holds the dependencies of the package for a platform, installed once."""
    try:
        wanted = _export(settings, package) if package.group else "\n".join(_requirement_texts(package))
        machine = platform.for_uv(package.python)
        digest = hashlib.sha256(f"{package.python}\n{machine}\n{wanted}".encode()).hexdigest()[:16]
        return build_once(
            settings.cache_dir / "packages" / digest,
            lambda home: _install(settings, package, wanted, machine, home),
            what=f"the dependencies of {package.source.name}",
        )
    except CommandError as problem:
        raise _failure(package, platform, problem) from problem


def _export(settings: Settings, package: PackageSettings) -> str:
    """Return the locked requirements of the package's group."""
    argv = ["export", "--quiet", "--locked", "--only-group", package.group, "--no-emit-project"]
    return _uv(settings, *argv, "--no-header", "--no-annotate", "--python", str(own_python(settings)))


def _requirement_texts(package: PackageSettings) -> Iterator[str]:
    """Yield the texts of the requirements file and of the files that it includes."""
    pending = [package.requirements] if package.requirements else []
    for file in pending:
        if not file.is_file():
            raise PackageError(package.source, f"expected the requirements file {file}, found none")
        text = file.read_text("utf-8")
        included = (file.parent / path for path in _INCLUDED.findall(text))
        pending += [path for path in included if path not in pending]
        yield text


def _install(settings: Settings, package: PackageSettings, wanted: str, machine: str, home: Path) -> None:
    home.mkdir()
    pinned = home.with_suffix(".txt")
    pinned.write_text(wanted, "utf-8")
    # A lock names every package. A requirements file may leave some out.
    source = ["--require-hashes", "--no-deps", "--requirements", str(pinned)]
    if package.requirements:
        source = ["--requirements", str(package.requirements)]
    _uv(
        settings,
        *("pip", "install", "--quiet", "--target", str(home), "--only-binary", ":all:"),
        *("--python-version", package.python, "--python-platform", machine, *source),
    )


def _failure(package: PackageSettings, platform: Platform, problem: CommandError) -> PackageError:
    without = _WITHOUT_WHEEL.search(" ".join(problem.output.split()))
    if without is None:
        return PackageError(package.source, f"its dependencies can't be installed\n{problem}")
    return PackageError(
        package.source,
        f"expected a wheel of {without[1]} for Python {package.python} on {platform.system} "
        f"{platform.architecture}, found none; choose a version that has one, or another python",
    )


def _uv(settings: Settings, *arguments: str) -> str:
    env = without_aws(settings.environ)
    return run([uv.find_uv_bin(), *arguments], env=env, cwd=settings.project, timeout=INSTALL_TIMEOUT).stdout
