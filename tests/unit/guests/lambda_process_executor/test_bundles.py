from __future__ import annotations

import io
import os
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING

import pytest
from lambda_process_executor.bundles import BundleStore, remove_tree, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def archive(**files: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as opened:
        for name, text in files.items():
            opened.writestr(name.replace("__", "/"), text)
    return data.getvalue()


class Source:
    """Counts the fetches of an archive."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.fetched = 0
        self.content = str(hash(data))

    def fill(self, target: Path) -> None:
        unpack(self.fetch, target)

    def fetch(self, target: IO[bytes]) -> None:
        self.fetched += 1
        target.write(self.data)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BundleStore]:
    made = BundleStore(tmp_path / "store")
    yield made
    made.close()


def test_an_archive_is_unpacked_once_and_shared(store: BundleStore) -> None:
    source = Source(archive(app="x = 1"))

    first = store.hold(source.content, "a", source.fill)
    second = store.hold(source.content, "b", source.fill)

    assert (first / "app").read_text() == "x = 1"
    assert second == first
    assert source.fetched == 1


def test_an_archive_that_is_unpacked_over_another_wins(store: BundleStore) -> None:
    first, second = Source(archive(both="1", one="1")), Source(archive(both="2"))

    def fill(tree: Path) -> None:
        first.fill(tree)
        second.fill(tree)

    path = store.hold("both", "a", fill)

    assert {file.name: file.read_text() for file in path.iterdir()} == {"both": "2", "one": "1"}


def test_many_threads_unpack_it_once(store: BundleStore) -> None:
    source = Source(archive(**{f"file{number}": "x" * 1000 for number in range(50)}))
    start = threading.Barrier(16)

    def hold(number: int) -> int:
        start.wait()
        return len(list(store.hold(source.content, str(number), source.fill).iterdir()))

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(hold, range(16))) == {50}
    assert source.fetched == 1


def test_the_files_are_read_only_and_keep_their_execute_bit(store: BundleStore) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as opened:
        opened.writestr("pkg/plain", "")
        tool = zipfile.ZipInfo("pkg/tool")
        tool.external_attr = 0o755 << 16
        opened.writestr(tool, "")
    source = Source(data.getvalue())

    path = store.hold(source.content, "a", source.fill)

    modes = {name: (path / name).stat().st_mode & 0o777 for name in ("pkg", "pkg/plain", "pkg/tool")}
    assert modes == {"pkg": 0o555, "pkg/plain": 0o444, "pkg/tool": 0o555}


def test_the_last_holder_s_release_removes_the_files(store: BundleStore) -> None:
    source = Source(archive(pkg__app="x = 1"))
    path = store.hold(source.content, "a", source.fill)
    store.hold(source.content, "b", source.fill)

    store.release("a")
    assert path.is_dir()
    store.release("b")
    assert not path.exists()


def test_releasing_twice_or_nothing_is_harmless(store: BundleStore) -> None:
    store.release("nobody")
    store.release("nobody")


def test_an_archive_that_was_removed_is_unpacked_again(store: BundleStore) -> None:
    source = Source(archive(app="x = 1"))
    store.hold(source.content, "a", source.fill)
    store.release("a")

    path = store.hold(source.content, "a", source.fill)

    assert (path / "app").is_file()
    assert source.fetched == 2


def test_a_broken_archive_leaves_nothing_behind(store: BundleStore, tmp_path: Path) -> None:
    broken = Source(b"no zip file")

    with pytest.raises(zipfile.BadZipFile):
        store.hold(broken.content, "a", broken.fill)

    assert os.listdir(tmp_path / "store") == []  # noqa: PTH208


def test_no_member_gets_out_of_the_tree(store: BundleStore, tmp_path: Path) -> None:
    source = Source(archive(**{"..__..__evil": "x"}))

    path = store.hold(source.content, "a", source.fill)

    assert [found.relative_to(path) for found in path.rglob("evil")]
    assert not (tmp_path / "evil").exists()


def test_closing_removes_everything(store: BundleStore, tmp_path: Path) -> None:
    for number in range(3):
        source = Source(archive(app=str(number)))
        store.hold(source.content, "a", source.fill)

    store.close()

    assert not (tmp_path / "store").exists()


def test_removing_a_tree_that_is_not_there_is_harmless(tmp_path: Path) -> None:
    remove_tree(tmp_path / "nothing")


def test_holders_that_come_and_go_never_see_half_a_tree(store: BundleStore) -> None:
    source = Source(archive(app="x = 1"))

    def come_and_go(number: int) -> bool:
        seen = []
        for turn in range(10):
            holder = f"{number}-{turn}"
            seen.append((store.hold(source.content, holder, source.fill) / "app").is_file())
            store.release(holder)
        return all(seen)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(come_and_go, range(8)))
