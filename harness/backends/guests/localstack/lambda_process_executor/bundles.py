"""Code archives of functions and layers: unpacked once, shared read-only, gone when nobody holds them."""

import hashlib
import shutil
import stat
import tempfile
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

type Fill = Callable[[Path], None]

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
    """Unpacked archives by content. Every method may be called from any thread.

    Args:
        root: directory for the trees. It is created on first use, and removed by `close`.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._bundles: dict[str, _Bundle] = {}
        self._lock = threading.Lock()

    def hold(self, content: str, holder: str, fill: Fill) -> Path:
        """Return the directory with some content, which stays until the holder lets go.

        Args:
            content: identifies the content, such as the checksums of archives.
            holder: the holder. Holding twice counts once.
            fill: fills the directory. It is called only if nobody holds this content yet.

        Raises:
            zipfile.BadZipFile: an archive is not a zip.
        """
        bundle = self._hold(content, holder)
        try:
            with bundle.unpacking:
                if not bundle.is_ready:
                    fill(bundle.path)
                    _make_read_only(bundle.path)
                    bundle.is_ready = True
        except BaseException:
            self.release(holder)
            raise
        return bundle.path

    def release(self, holder: str) -> None:
        """Release everything that `holder` holds, and remove content without a holder."""
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

    def _hold(self, content: str, holder: str) -> _Bundle:
        with self._lock:
            if content not in self._bundles:
                self._bundles[content] = _Bundle(path=self._new_directory(content))
            self._bundles[content].holders.add(holder)
            return self._bundles[content]

    def _new_directory(self, content: str) -> Path:
        self._root.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(content.encode()).hexdigest()[:16]
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._root))


def unpack(fetch: Callable[[IO[bytes]], None], target: Path) -> None:
    """Unpack the archive that `fetch` writes into a file, and replace the content of `target`."""
    with tempfile.TemporaryFile(dir=target.parent) as archive:
        fetch(archive)
        extract(archive, target)


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
    """Remove a directory with its content, including read-only directories, if it exists."""
    for directory, _, _ in tree.walk():
        directory.chmod(stat.S_IRWXU)
    shutil.rmtree(tree, ignore_errors=True)
