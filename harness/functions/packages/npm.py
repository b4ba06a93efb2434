"""A folder with `package.json` and `package-lock.json`, and its installation by npm."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.base.environments import build_once
from harness.base.isolation import without_aws
from harness.base.process import answering, run
from harness.errors import CommandError, PackageError
from harness.functions.packages.archive import files_beside, files_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path, PurePosixPath

    from harness.functions.packages.platforms import Platform
    from harness.settings import PackageSettings, Settings

log = logging.getLogger(__name__)

LOCK, MODULES = "package-lock.json", "node_modules"
_MANIFEST, _NPMRC = "package.json", ".npmrc"
_INSTALL_TIMEOUT = 300.0
_QUIET = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
_COMPLAINT = re.compile(r"(?m)^npm (?:error|ERR!) (?!code |A complete log|\s*$)(.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The source of a package, for one platform."""

    settings: Settings
    package: PackageSettings
    platform: Platform

    def check(self) -> None:
        """Check that the source is a package whose every dependency is locked and can be packed."""
        for name, remedy in ((_MANIFEST, "npm init"), (LOCK, "npm install --package-lock-only")):
            if not (self.package.source / name).is_file():
                raise self.error(f"expected {name}, found none there; write it with `{remedy}`")
        if links := [locked.get("resolved") for locked in self.read_lock().values() if locked.get("link")]:
            raise self.error(
                f"expected dependencies from a registry, got a link to the folder {links[0]}; publish it, or "
                "copy it into the source and import it from there"
            )

    def own_files(self) -> list[tuple[PurePosixPath, Path]]:
        """Return the files of the source, but for installed modules, hidden files, and the zip itself."""
        output = self.package.output.resolve()
        zips = {output, *files_beside(output)}

        def skipped(file: PurePosixPath) -> bool:
            return file.name == MODULES or file.name.startswith(".")

        found = files_in(self.package.source, skipped)
        return sorted((name, file) for name, file in found if file.resolve() not in zips)

    def install(self) -> Path:
        """Return a directory that holds `node_modules` as they are locked, installed once."""
        options = self.platform.for_npm()
        manifests = [(self.package.source / name).read_bytes() for name in (_MANIFEST, LOCK)]
        digest = hashlib.sha256(b"\n".join([*manifests, *map(str.encode, options)])).hexdigest()[:16]

        def install(home: Path) -> None:
            home.mkdir()
            for name in (_MANIFEST, LOCK, _NPMRC):
                if (self.package.source / name).is_file():
                    shutil.copy(self.package.source / name, home)
            (home / MODULES).mkdir()  # npm creates none if there is nothing to install
            self._warn_of_scripts()
            try:
                self.npm(home, "ci", "--omit=dev", *options)
            finally:
                (home / _NPMRC).unlink(missing_ok=True)  # it may hold a token

        home = self.settings.cache_dir / "packages" / f"npm-{digest}"
        return build_once(home, install, what=f"the dependencies of {self.package.source.name}")

    def read_lock(self) -> dict[str, Any]:
        """Return the locked packages by path, without those that only development needs."""
        return {name: locked for name, locked in self.all_locked().items() if not locked.get("dev")}

    def all_locked(self) -> dict[str, Any]:
        """Return the locked packages by path."""
        try:
            lock = json.loads((self.package.source / LOCK).read_text("utf-8"))
            return dict(lock.get("packages", {}))
        except (ValueError, AttributeError) as problem:
            raise self.error(f"expected JSON in {LOCK}, got {problem}") from problem

    def _warn_of_scripts(self) -> None:
        scripted = [name for name, locked in self.read_lock().items() if locked.get("hasInstallScript")]
        if scripted:
            names = ", ".join(name.rpartition(f"{MODULES}/")[2] for name in scripted)
            log.warning("the install scripts of %s are not run for %s", names, self.package.source)

    def npm(self, home: Path, *arguments: str) -> None:
        """Run npm in a directory.

        Raises:
            PackageError: npm fails, or is missing.
        """
        try:
            self.run([self.tool("npm"), *arguments, *_QUIET], cwd=home)
        except CommandError as problem:
            complaint = _COMPLAINT.search(problem.output)
            reason = complaint[1] if complaint else str(problem)
            raise self.error(f"`npm {arguments[0]}` failed: {reason}") from problem

    def tool(self, name: str) -> str:
        """Return the path of a program that comes with Node.js."""
        found = shutil.which(name, path=self.settings.environ.get("PATH"))
        if found is None:
            raise self.error(f"expected {name} on PATH, found none; install Node.js, which includes it")
        return found

    def run(self, argv: list[str], *, cwd: Path) -> None:
        """Run a program of Node.js without the Node.js options of the caller's environment."""
        run(argv, env=self._environment, cwd=cwd, timeout=_INSTALL_TIMEOUT)

    def answering(self, argv: list[str]) -> AbstractContextManager[Callable[[str], str]]:
        """Run such a program in the background: `process.answering`."""
        return answering(argv, env=self._environment)

    @property
    def _environment(self) -> dict[str, str]:
        return without_aws(self.settings.environ) | {"NODE_OPTIONS": "", "NODE_PATH": ""}

    def error(self, problem: str) -> PackageError:
        """Return an error of this package."""
        return PackageError(self.package.source, problem)
