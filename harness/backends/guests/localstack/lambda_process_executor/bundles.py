"""Code archives of functions and layers: unpacked once, shared read-only, gone when nobody holds them."""

import base64
import shutil
import stat
import tempfile
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

type Fetch = Callable[[IO[bytes]], None]
type Finish = Callable[[Path], None]

READ_ONLY_DIRECTORY = 0o555
READ_ONLY_FILE = 0o444
EXECUTE_BITS = 0o111


@dataclass(slots=True)
class _Bundle:
    path: Path
    holders: set[str] = field(default_factory=set)
    unpacking: threading.Lock = field(default_factory=threading.Lock)
    is_ready: bool = False


class BundleStore:
    """Unpacked archives by their checksum. Every method may be called from any thread.

    Args:
        root: directory for the trees; made when first needed, removed by `close`.
        finish: called with each new tree before it becomes read-only.
    """

    def __init__(self, root: Path, finish: Finish) -> None:
        self._root = root
        self._finish = finish
        self._bundles: dict[str, _Bundle] = {}
        self._lock = threading.Lock()

    def hold(self, sha256: str, holder: str, fetch: Fetch) -> Path:
        """Return the directory of an archive's files, which stays until the holder lets go.

        Args:
            sha256: the archive's checksum in base64, as Lambda's `CodeSha256`.
            holder: who holds; holding twice counts once.
            fetch: writes the archive into a file; called only when the archive is not unpacked yet.

        Raises:
            zipfile.BadZipFile: the archive is none.
        """
        bundle = self._held(sha256, holder)
        try:
            with bundle.unpacking:
                if not bundle.is_ready:
                    self._unpack(bundle.path, fetch)
                    bundle.is_ready = True
        except BaseException:
            self.release(holder)
            raise
        return bundle.path

    def release(self, holder: str) -> None:
        """Let go of all that `holder` holds, and remove what nobody holds any more."""
        with self._lock:
            for bundle in self._bundles.values():
                bundle.holders.discard(holder)
            unused = {key: bundle for key, bundle in self._bundles.items() if not bundle.holders}
            for key in unused:
                del self._bundles[key]
        for bundle in unused.values():
            remove_tree(bundle.path)

    def close(self) -> None:
        """Remove everything."""
        with self._lock:
            self._bundles.clear()
        remove_tree(self._root)

    def _held(self, sha256: str, holder: str) -> _Bundle:
        with self._lock:
            if sha256 not in self._bundles:
                self._bundles[sha256] = _Bundle(path=self._new_directory(sha256))
            self._bundles[sha256].holders.add(holder)
            return self._bundles[sha256]

    def _new_directory(self, sha256: str) -> Path:
        self._root.mkdir(parents=True, exist_ok=True)
        name = base64.b64decode(sha256).hex()[:16]
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._root))

    def _unpack(self, path: Path, fetch: Fetch) -> None:
        with tempfile.TemporaryFile(dir=self._root) as archive:
            fetch(archive)
            extract(archive, path)
        self._finish(path)
        _make_read_only(path)


def extract(archive: IO[bytes], target: Path) -> None:
    """Unpack a zip file, keeping the execute bits of its files."""
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            written = Path(opened.extract(member, target))
            if (member.external_attr >> 16) & EXECUTE_BITS and not member.is_dir():
                written.chmod(written.stat().st_mode | EXECUTE_BITS)


def _make_read_only(tree: Path) -> None:
    for directory, _, names in tree.walk(top_down=False):
        for name in names:
            path = directory / name
            path.chmod(READ_ONLY_FILE | (path.stat().st_mode & EXECUTE_BITS))
        directory.chmod(READ_ONLY_DIRECTORY)


def remove_tree(tree: Path) -> None:
    """Remove a directory with all in it, read-only directories included; do nothing if there is none."""
    for directory, _, _ in tree.walk():
        directory.chmod(stat.S_IRWXU)
    shutil.rmtree(tree, ignore_errors=True)
