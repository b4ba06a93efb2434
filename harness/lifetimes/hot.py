"""Functions that run the sources of the checkout as they are saved, not those in their zips.

A copy of the sources, with a stamp, lies in the folder of an emulator that runs functions as processes of
this machine. If the stamp has changed at an invocation, the function starts again. The emulator's side is
`lambda_process_executor.hot`.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.backends import emulator
from harness.base.files import replace_text
from harness.errors import SettingsError
from harness.functions.packages import SyntaxCheck, sources
from harness.session import packages_by_zip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.settings import PackageSettings, Settings
    from harness.values import Endpoint

IS_ON = "functions run the sources that `harness watch --hot` gives them, not those of their zips"
_STAMP = "stamp"
_DECIDE_MORE = frozenset({"package.json", "package-lock.json"})  # other packages need a new zip


def is_on(endpoint: Endpoint) -> bool:
    """Return whether functions at `endpoint` run other sources than those in their zips."""
    folder = emulator.folder_of(endpoint, emulator.HOT)
    return folder is not None and any(folder.glob(f"*/{_STAMP}"))


@dataclass(slots=True, kw_only=True)
class HotSources:
    """The hot sources of a kept stack.

    Attributes:
        settings: The stack's settings.
        copies: The directory that replaces the zip of each package in use.
    """

    settings: Settings
    copies: list[tuple[PackageSettings, Path]] = field(default_factory=list)
    _syntax: SyntaxCheck = field(default_factory=SyntaxCheck)

    def begin(self, endpoint: Endpoint, zips: Mapping[str, str]) -> list[str]:
        """Make functions run the sources of their packages, and return the names of the packages.

        Args:
            endpoint: The endpoint of the functions.
            zips: The SHA-256 of each deployed zip, in hexadecimal digits, by its path.

        Raises:
            SettingsError: The functions do not run as processes of this machine, or no package is in use.
            PackageError: A module does not compile.
        """
        self.end()
        folder = emulator.folder_of(endpoint, emulator.HOT)
        if folder is None:
            expected = "functions that are processes of this machine, on Linux: host, localemu or ministack"
            raise SettingsError("--hot", expected=expected, got=endpoint.backend)
        packages = packages_by_zip(self.settings, running=endpoint.backend)
        for left in folder.iterdir():  # by a `watch` that was killed
            shutil.rmtree(left)
        self.copies = [(package, folder / zips[path]) for path, package in packages.items() if path in zips]
        if not self.copies:
            raise SettingsError("--hot", expected="a [tool.harness.package] whose zip runs", got=None)
        self.saved()
        return [package.source.name for package, _ in self.copies]

    def covers(self, changed: Sequence[Path]) -> bool:
        """Whether all files that have changed are sources of packages that are hot."""
        places = [package.source.resolve() for package, _ in self.copies]
        return bool(changed) and all(
            file.name not in _DECIDE_MORE and any(file.resolve().is_relative_to(place) for place in places)
            for file in changed
        )

    def saved(self) -> list[str]:
        """Make functions run the present sources, and return the names of the files that have changed.

        Raises:
            PackageError: A module does not compile. Nothing has changed then.
        """
        fresh = [
            (file, copy / "over" / name, package)
            for package, copy in self.copies
            for name, file in sources(self.settings, package)
        ]
        changed = [each for each in fresh if _differs(each[0], each[1])]
        for package, _ in self.copies:
            self._syntax.check(self.settings, package, [file for file, _, of in changed if of is package])
        gone = {file for _, copy in self.copies for file in (copy / "over").rglob("*") if file.is_file()}
        gone -= {target for _, target, _ in fresh}
        for file, target, _ in changed:
            _copy(file, target)
        for target in gone:
            target.unlink()
        if changed or gone:
            for _, copy in self.copies:
                replace_text(copy / _STAMP, str(time.time_ns()))
        return sorted({*(file.name for file, _, _ in changed), *(target.name for target in gone)})

    def end(self) -> None:
        """Make functions run their zips again."""
        for _, copy in self.copies:
            (copy / _STAMP).unlink(missing_ok=True)
            shutil.rmtree(copy, ignore_errors=True)
        self.copies = []
        self._syntax.close()


def _differs(file: Path, copy: Path) -> bool:
    try:
        now, before = file.stat(), copy.stat()
    except FileNotFoundError:
        return True
    return (now.st_mtime_ns, now.st_size) != (before.st_mtime_ns, before.st_size)


def _copy(file: Path, target: Path) -> None:
    """Copy a file at once, so that a function never sees half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.new")
    shutil.copy2(file, fresh)
    fresh.replace(target)
