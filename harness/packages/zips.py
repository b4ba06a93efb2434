"""The zip of each package: one for where its function runs on AWS, one for where it runs under test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import SettingsError
from harness.packages import archive, nodejs, python
from harness.packages.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path, PurePosixPath

    from harness.settings import PackageSettings, Settings

_CONTENTS = {"python": python.members, "nodejs": nodejs.members}


def build(settings: Settings, package: PackageSettings, platform: Platform | None = None) -> Path:
    """Build the zip of `package` for a platform and return its path.

    Args:
        settings: Those of the project.
        package: What is built.
        platform: Where the function runs; None for what its architecture says.

    Raises:
        PackageError: The source is not what it should be, a module of it does not compile, or its
            dependencies can't be had for the platform.
    """
    members = _CONTENTS[package.kind](settings, package, platform or _platform_of(package))
    return archive.write_zip(members, path(package, platform))


def build_all(settings: Settings, platform: Platform | None) -> None:
    """Build the zip of every package, and the one that runs on `platform` where that is another.

    Raises:
        PackageError: One can't be built.
    """
    for package in settings.every_package:
        build(settings, package)
        if path(package, platform) != package.output:
            build(settings, package, platform)


def variables(settings: Settings, platform: Platform | None) -> dict[str, str]:
    """Return the paths of the zips that run on `platform`, by Terraform variable."""
    return {package.variable: str(path(package, platform)) for package in settings.every_package}


def path(package: PackageSettings, platform: Platform | None) -> Path:
    """Return where the zip is that runs on `platform`: beside the package's output, if it is another one."""
    if platform is None or platform == _platform_of(package):
        return package.output
    return package.output.with_suffix(f".{platform}{package.output.suffix}")


def fits_here(settings: Settings) -> bool:
    """Say whether this machine is of the kind that every package is built for."""
    return all(_platform_of(package) == Platform.here() for package in settings.every_package)


def by_zip(settings: Settings, platform: Platform | None) -> dict[str, PackageSettings]:
    """Return the packages by the path of the zip that runs on `platform`."""
    return {str(path(package, platform)): package for package in settings.every_package}


def sources(settings: Settings, package: PackageSettings) -> list[tuple[PurePosixPath, Path]]:
    """Return the files of a package's zip that are no dependencies, each with its path there.

    Raises:
        PackageError: The source is not what it should be.
    """
    if package.kind == "nodejs":
        return nodejs.sources(settings, package, Platform.here())
    return list(python.sources(package))


def check_syntax(settings: Settings, package: PackageSettings, files: Iterable[Path]) -> None:
    """Compile those of the files that are modules of a package, to tell a mistake before they run.

    Raises:
        PackageError: One of them does not compile.
    """
    if package.kind == "nodejs":
        nodejs.check_syntax(settings, package, Platform.here(), files)
    else:
        python.check_syntax(package, [file for file in files if file.suffix == ".py"])


def select(settings: Settings, names: Sequence[str]) -> list[PackageSettings]:
    """Return the packages of these names; all of them if none is named.

    Raises:
        SettingsError: There is no package, or none of such a name.
    """
    named = {package.name: package for package in settings.packages}
    if not settings.every_package:
        raise SettingsError("[tool.harness.package]", expected="a table in pyproject.toml", got=None)
    if unknown := [name for name in names if name not in named]:
        expected = f"a package with a name ({', '.join(sorted(named)) or 'there is none'})"
        raise SettingsError("NAME", expected=expected, got=unknown[0], known=named)
    return [named[name] for name in names] or list(settings.every_package)


def watch_paths(settings: Settings) -> tuple[list[Path], list[Path]]:
    """Return what the zips are made from, and what is written when they are."""
    packages = settings.every_package
    sources = [package.source for package in packages]
    requirements = [package.requirements for package in packages if package.requirements]
    outputs = [path(package, where).resolve() for package in packages for where in (None, Platform.here())]
    beside = [file for output in outputs for file in archive.files_beside(output)]
    return [*sources, *requirements], [*outputs, *beside]


def _platform_of(package: PackageSettings) -> Platform:
    return Platform("linux", package.architecture)
