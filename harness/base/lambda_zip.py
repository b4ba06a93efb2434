"""Build the Lambda zip: the same bytes from the same sources on any machine."""

from __future__ import annotations

import hashlib
import sys
import warnings
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import uv
from filelock import FileLock

from harness.base.environments import built_once, own_python
from harness.base.isolation import without_aws
from harness.base.process import run
from harness.errors import CommandError, PackageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.settings import PackageSettings, Settings

INSTALL_TIMEOUT = 300.0
# DOS time has no earlier moment: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.4.6
_EPOCH = (1980, 1, 1, 0, 0, 0)
_SKIPPED_DIRS = frozenset({"__pycache__", "bin"})
_SKIPPED_SUFFIXES = frozenset({".pyc", ".pyi", ".typed"})
# What the installer writes differs from one to the next, and nothing reads it in a zip.
_SKIPPED_NAMES = frozenset(
    {".complete", ".lock", "INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_cache.json"}
)


def build(settings: Settings, package: PackageSettings) -> Path:
    """Build the zip of `package` and return its path.

    Its members are sorted, have one fixed time and mode, and are stored, not deflated: compressors differ
    from machine to machine. A zip that is already the same is left untouched.

    Raises:
        PackageError: The source is no package, a module of it does not compile, or its dependencies can't be
            had.
    """
    if not (package.source / "__init__.py").is_file():
        raise PackageError(package.source, "expected a Python package, found no __init__.py there")
    _check_syntax(package)
    libraries = [_installed(settings, package)] if package.group else []
    members = dict(_members(package.source, PurePosixPath(package.source.name)))
    for library in libraries:
        members |= dict(_members(library, PurePosixPath()))
    return _written(members, package.output)


def _check_syntax(package: PackageSettings) -> None:
    """Compile every module: a mistake is told here, before an emulator starts."""
    if tuple(map(int, package.python.split("."))) > sys.version_info:
        return  # the function's Python may know more than this one
    for file in sorted(package.source.rglob("*.py")):
        try:
            with warnings.catch_warnings(action="ignore"):
                compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
        except SyntaxError as problem:
            told = f"{file}:{problem.lineno}: {problem.msg}\n  {(problem.text or '').strip()}"
            raise PackageError(package.source, told) from problem
        except ValueError as problem:  # such as null bytes
            raise PackageError(package.source, f"{file}: {problem}") from problem


def _members(folder: Path, inside: PurePosixPath) -> Iterator[tuple[PurePosixPath, Path]]:
    for file in folder.rglob("*"):
        relative = PurePosixPath(file.relative_to(folder).as_posix())
        if file.is_file() and not _skipped(relative):
            yield inside / relative, file


def _skipped(file: PurePosixPath) -> bool:
    return (
        not _SKIPPED_DIRS.isdisjoint(file.parts)
        or file.suffix in _SKIPPED_SUFFIXES
        or file.name in _SKIPPED_NAMES
    )


def _written(members: Mapping[PurePosixPath, Path], output: Path) -> Path:
    output.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(output.with_suffix(".lock")):
        fresh = output.with_suffix(".new")
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_STORED) as archive:
            for name in sorted(members):
                archive.writestr(_entry(name), members[name].read_bytes())
        if output.exists() and output.read_bytes() == fresh.read_bytes():
            fresh.unlink()
        else:
            fresh.replace(output)
    return output


def _entry(name: PurePosixPath) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(str(name), _EPOCH)
    entry.create_system = 3  # Unix, wherever it is built
    entry.external_attr = 0o100644 << 16
    return entry


def _installed(settings: Settings, package: PackageSettings) -> Path:
    """Return a directory that holds the locked dependencies of the package's group, installed once."""
    try:
        requirements = _exported(settings, package)
        digest = hashlib.sha256(f"{package.python}\n{requirements}".encode()).hexdigest()[:16]
        target = settings.cache_dir / "packages" / digest
        what = f"the dependencies of {package.source.name}"
        return built_once(target, lambda home: _install(settings, package, requirements, home), what=what)
    except CommandError as problem:
        raise PackageError(package.source, f"its dependencies can't be installed\n{problem}") from problem


def _exported(settings: Settings, package: PackageSettings) -> str:
    argv = ["export", "--quiet", "--locked", "--only-group", package.group, "--no-emit-project"]
    return _uv(settings, *argv, "--no-header", "--no-annotate", "--python", str(own_python(settings)))


def _install(settings: Settings, package: PackageSettings, requirements: str, target: Path) -> None:
    target.mkdir()
    pinned = target.with_suffix(".txt")
    pinned.write_text(requirements, "utf-8")
    _uv(
        settings,
        *("pip", "install", "--quiet", "--target", str(target), "--require-hashes", "--no-deps"),
        *("--only-binary", ":all:", "--python-version", package.python, "--python-platform", "linux"),
        *("--requirements", str(pinned)),
    )


def _uv(settings: Settings, *arguments: str) -> str:
    env = without_aws(settings.environ)
    return run([uv.find_uv_bin(), *arguments], env=env, cwd=settings.project, timeout=INSTALL_TIMEOUT).stdout
