"""The zips of each package: one for the function's platform on AWS, one for its platform under test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import SettingsError
from harness.functions.packages import archive, nodejs, python
from harness.functions.packages.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path, PurePosixPath

    from harness.settings import PackageSettings, Settings

_CONTENTS = {"python": python.members, "nodejs": nodejs.members}


def build(settings: Settings, package: PackageSettings, platform: Platform | None = None) -> Path:
    """Build the zip of `package` for a platform and return its path.

    Args:
        settings: The project's settings.
        package: The package to build.
        platform: The platform that the function runs on. None for that of its architecture.

    Raises:
        PackageError: The source is not a package of its kind, a module does not compile, or its dependencies
            can't be installed for the platform.
    """
    members = _CONTENTS[package.kind](settings, package, platform or _platform_of(package))
    return archive.write_zip(members, path(package, platform))


def build_all(settings: Settings, platform: Platform | None) -> None:
    """Build the zip of every package, and a second one for `platform` if that is another.

    Raises:
        PackageError: One can't be built.
    """
    for package in settings.every_package:
        build(settings, package)
        if path(package, platform) != package.output:
            build(settings, package, platform)


def variables(settings: Settings, platform: Platform | None) -> dict[str, str]:
    """Return the paths of the zips for `platform`, by Terraform variable."""
    return {package.variable: str(path(package, platform)) for package in settings.every_package}


def path(package: PackageSettings, platform: Platform | None) -> Path:
    """Return the path of the zip for `platform`.

    It is beside the package's output if the platform is another.
    """
    if platform is None or platform == _platform_of(package):
        return package.output
    return package.output.with_suffix(f".{platform}{package.output.suffix}")


def fits_here(settings: Settings) -> bool:
    """Return whether every package is built for the kind of this machine."""
    return all(_platform_of(package) == Platform.here() for package in settings.every_package)


def by_zip(settings: Settings, platform: Platform | None) -> dict[str, PackageSettings]:
    """Return the packages by the path of the zip that runs on `platform`."""
    return {str(path(package, platform)): package for package in settings.every_package}


def sources(settings: Settings, package: PackageSettings) -> list[tuple[PurePosixPath, Path]]:
    """Return the files of a package's zip other than dependencies, each with its path in the zip.

    Raises:
        PackageError: The source is not a package of its kind.
    """
    if package.kind == "nodejs":
        return nodejs.sources(settings, package, Platform.here())
    return list(python.sources(package))


class SyntaxCheck:
    """Compiles modules as they change, to find mistakes before they run. End it with `close`."""

    def __init__(self) -> None:
        self._nodejs = nodejs.Compiler()

    def check(self, settings: Settings, package: PackageSettings, files: Iterable[Path]) -> None:
        """Compile the package's own modules among the files.

        Raises:
            PackageError: One of them does not compile.
        """
        if package.kind == "nodejs":
            self._nodejs.check(settings, package, Platform.here(), files)
        else:
            python.check_syntax(package, [file for file in files if file.suffix == ".py"])

    def close(self) -> None:
        """End what was started."""
        self._nodejs.close()


def select(settings: Settings, names: Sequence[str]) -> list[PackageSettings]:
    """Return the packages with these names, or all if none is named.

    Raises:
        SettingsError: There is no package, or none with such a name.
    """
    named = {package.name: package for package in settings.packages}
    if not settings.every_package:
        raise SettingsError("[tool.harness.package]", expected="a table in pyproject.toml", got=None)
    if unknown := [name for name in names if name not in named]:
        expected = f"a package with a name ({', '.join(sorted(named)) or 'there is none'})"
        raise SettingsError("NAME", expected=expected, got=unknown[0], known=named)
    return [named[name] for name in names] or list(settings.every_package)


def watch_paths(settings: Settings) -> tuple[list[Path], list[Path]]:
    """Return the sources and the outputs of the zips."""
    packages = settings.every_package
    sources = [package.source for package in packages]
    requirements = [package.requirements for package in packages if package.requirements]
    outputs = [path(package, where).resolve() for package in packages for where in (None, Platform.here())]
    beside = [file for output in outputs for file in archive.files_beside(output)]
    return [*sources, *requirements], [*outputs, *beside]


def _platform_of(package: PackageSettings) -> Platform:
    return Platform("linux", package.architecture)
