"""Which files of a project those in the zips of its functions were made from."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from harness.base.files import files_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SUFFIXES = frozenset({".py", ".js", ".cjs", ".mjs"})

type Roots = tuple[PurePosixPath, Path]


class Origins:
    """The Python and JavaScript files of a project, by what is in them.

    A file in a zip comes from one with the same name and content. If there are several, it is the one in the
    folder from which most files of the zip come.

    Args:
        folders: The folders with the files. Environments and build output are ignored.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = [folder.resolve() for folder in folders]
        self._hashes: dict[Path, str] = {}

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the files, and of all folders that they are in."""
        parts = {part for files in self._by_name.values() for file in files for part in file.parts}
        return frozenset(parts)

    def of(self, files: Mapping[str, str]) -> dict[str, Path]:
        """Return the paths of functions' files in the project. Unknown files are left out.

        Args:
            files: The SHA-256, in hexadecimal digits, of each file by its path.
        """
        found = {path: self._same(PurePosixPath(path), digest) for path, digest in files.items()}
        votes = Counter(roots for candidates in found.values() for roots, _ in candidates)

        def rank(candidate: tuple[Roots, Path]) -> tuple[int, int, str]:
            roots, file = candidate
            return -votes[roots], len(file.parts), str(file)

        return {path: min(candidates, key=rank)[1] for path, candidates in found.items() if candidates}

    def later_edition(self, path: str) -> Path | None:
        """Return a file of the project that is another version of a function's, judging only by its path."""
        name = PurePosixPath(path)
        candidates = [(_roots(name, file), file) for file in self._by_name.get(name.name, ())]
        shared = [(len(name.parts) - len(roots[0].parts), file) for roots, file in candidates]
        return max(shared, default=(0, None))[1]

    def roots(self, files: Mapping[str, str]) -> list[tuple[str, str]]:
        """Return the functions' folders with the folders of the project that they come from, the best first.

        Args:
            files: As for `of`.
        """
        votes = Counter(_roots(PurePosixPath(path), file) for path, file in self.of(files).items())
        return [(str(remote), str(local)) for (remote, local), _ in votes.most_common()]

    def _same(self, path: PurePosixPath, digest: str) -> list[tuple[Roots, Path]]:
        same = [file for file in self._by_name.get(path.name, ()) if self._digest(file) == digest]
        return [(_roots(path, file), file) for file in same]

    def _digest(self, file: Path) -> str:
        if file not in self._hashes:
            self._hashes[file] = hashlib.sha256(file.read_bytes()).hexdigest()
        return self._hashes[file]

    @cached_property
    def _by_name(self) -> dict[str, set[Path]]:
        found: defaultdict[str, set[Path]] = defaultdict(set)
        for folder in self._folders:
            for file in files_of(folder):
                if file.suffix in _SUFFIXES:
                    found[file.name].add(file)
        return dict(found)


def _roots(path: PurePosixPath, file: Path) -> Roots:
    """Return two paths without their common end."""
    remote, local = list(path.parts), list(file.parts)
    while remote and local and remote[-1] == local[-1]:
        remote.pop()
        local.pop()
    return PurePosixPath(*remote), Path(*local)
