"""Bundle a module and its imports into one JavaScript file with esbuild."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from harness.base.environments import build_once
from harness.errors import CommandError, PackageError
from harness.functions.packages.npm import MODULES

if TYPE_CHECKING:
    from harness.functions.packages.npm import Project

VERSION = "0.28.2"  # if the project does not install its own
_RUNTIMES_OWN = "@aws-sdk/"
_COMPLAINT = re.compile(r"\[ERROR\] (.*?)\n\s*\n\s*(\S+:\d+):\d+:")


def bundle(project: Project) -> Path:
    """Return the bundle of a package's entry, which is made anew when a file of the source has changed.

    Raises:
        PackageError: The entry or esbuild is missing, or a module does not compile or does not exist.
    """
    package = project.package
    if not (package.source / package.entry).is_file():
        raise project.error(f"expected the entry {package.entry}, found none there")
    program, modules, options = _program(project), project.install() / MODULES, _options(project)

    def bundle(home: Path) -> None:
        # esbuild writes the paths of modules into the bundle, so they are the same ones everywhere.
        source = home / "source"
        for name, file in project.own_files():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, source / name)
        (source / MODULES).symlink_to(modules)
        try:
            project.run([str(program), package.entry, *options], cwd=source)
        except CommandError as problem:
            raise _failure(project, problem) from problem
        shutil.rmtree(source)

    parts = [str(modules), str(program), _version_of(program), package.entry, *options]
    home = project.settings.cache_dir / "packages" / f"bundle-{_digest(project, parts)}"
    return build_once(home, bundle, what=f"the bundle of {package.source.name}") / _name(project)


def _digest(project: Project, parts: list[str]) -> str:
    digest = hashlib.sha256("\n".join(parts).encode())
    for name, file in project.own_files():
        digest.update(f"\n{name} {hashlib.sha256(file.read_bytes()).hexdigest()}".encode())
    return digest.hexdigest()[:16]


def _name(project: Project) -> str:
    return f"{PurePosixPath(project.package.entry).stem}.js"


def _options(project: Project) -> list[str]:
    """Return esbuild's options.

    The bundle uses the runtime's AWS SDK, unless the package has its own.
    """
    has_own = any(f"{MODULES}/{_RUNTIMES_OWN}" in name for name in project.read_lock())
    return [
        *("--bundle", "--platform=node", "--format=cjs", f"--target=node{project.package.nodejs}"),
        *("--preserve-symlinks", "--log-level=error", "--color=false"),
        # A map beside the bundle, which does not name it. It is for coverage, and not in the zip.
        *("--sourcemap=external", "--sources-content=false"),
        *([] if has_own else [f"--external:{_RUNTIMES_OWN}*"]),
        f"--outfile=../{_name(project)}",
    ]


def _program(project: Project) -> Path:
    """Return esbuild as the project has installed it, else the locked version, else one from npm."""
    wanted = project.all_locked().get(f"{MODULES}/esbuild", {}).get("version")
    source = project.package.source.resolve()
    for folder in (source, *source.parents):
        program = folder / MODULES / ".bin" / "esbuild"
        if program.exists() and wanted in {None, _version_of(program)}:
            return program
    return _from_npm(project, wanted or VERSION)


def _from_npm(project: Project, version: str) -> Path:
    def install(home: Path) -> None:
        home.mkdir()
        project.npm(home, "install", "--no-save", f"esbuild@{version}")

    home = project.settings.cache_dir / "packages" / f"esbuild-{version}"
    try:
        return build_once(home, install, what=f"esbuild {version}") / MODULES / ".bin" / "esbuild"
    except PackageError as problem:
        remedy = "`npm install --save-dev esbuild` puts it into the source's node_modules"
        missing = project.error(f"esbuild {version} can't be installed; {remedy}")
        missing.add_note(str(problem))
        raise missing from problem


def _version_of(program: Path) -> str:
    manifest = program.parent.parent / "esbuild" / "package.json"
    return str(json.loads(manifest.read_text("utf-8"))["version"]) if manifest.is_file() else ""


def _failure(project: Project, problem: CommandError) -> PackageError:
    complaint = _COMPLAINT.search(problem.output)
    if complaint is None:
        return project.error(f"esbuild failed: {problem}")
    return project.error(f"{project.package.source / complaint[2]}: {complaint[1]}")
