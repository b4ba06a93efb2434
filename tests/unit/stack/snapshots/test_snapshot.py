from __future__ import annotations

import json
import stat
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.errors import SnapshotError
from harness.stack.snapshots.snapshot import File, Snapshot, file_stamps, files_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TAKEN = Snapshot(
    emulator="ministack of this harness",
    place="here",
    inputs={"rest": "abc", "zips": {"/app.zip": ["1", "2"]}},
    address="127.0.0.1:40000",
    about={"backend": "ministack", "root": "/project/terraform", "account": "test", "taken": "2026-11-30"},
    state=b"\x80\x05state",
    roots=(
        ("/first/copy", {"terraform.tfstate": File(content=b"{}")}),
        ("/second/copy", {"made/run.sh": File(content=b"#!/bin/sh", is_executable=True)}),
    ),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Provide a file with a snapshot."""
    found = tmp_path / "cache" / "one.snapshot"
    TAKEN.write(found)
    return found


def test_it_comes_back_as_it_was(file: Path) -> None:
    assert Snapshot.read(file) == TAKEN


def test_nobody_else_can_read_it(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_what_it_is_about_is_told_without_what_it_holds(file: Path) -> None:
    assert Snapshot.describe(file) == TAKEN.about
    assert Snapshot.describe(file.parent / "missing") == {}


def test_a_new_one_takes_the_place_of_an_old_one(file: Path) -> None:
    replace(TAKEN, state=b"newer").write(file)

    assert Snapshot.read(file).state == b"newer"
    assert list(file.parent.iterdir()) == [file]


def test_what_can_not_be_written_leaves_the_old_one_whole(file: Path) -> None:
    unwritable = replace(TAKEN, inputs={"rest": object()})

    with pytest.raises(TypeError):
        unwritable.write(file)

    assert Snapshot.read(file) == TAKEN
    assert list(file.parent.iterdir()) == [file]


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[content.index(b"state", content.index(b"emulator.state") + 14)] ^= 1
    file.write_bytes(content)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def forget_the_state(file: Path) -> None:
    rewrite(file, lambda name, content: None if name == "emulator.state" else content)


def rewrite(file: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    with zipfile.ZipFile(file) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            if (changed := change(name, content)) is not None:
                archive.writestr(name, changed)


@pytest.mark.parametrize("damage", [cut_off, flip_a_bit, empty, forget_the_state])
def test_a_damaged_one_is_refused_in_a_line(file: Path, damage: Callable[[Path], None]) -> None:
    damage(file)

    with pytest.raises(SnapshotError) as error:
        Snapshot.read(file)

    assert str(error.value).startswith(f"{file} can't be used as a snapshot: it can't be read")
    assert "\n" not in str(error.value)


def test_one_of_a_later_format_is_refused(file: Path) -> None:
    def of_later(name: str, content: bytes) -> bytes:
        return (
            json.dumps(json.loads(content) | {"format": 2}).encode() if name == "manifest.json" else content
        )

    rewrite(file, of_later)

    with pytest.raises(SnapshotError, match="it has format 2, and this harness reads format 1"):
        Snapshot.read(file)


def test_a_file_outside_of_the_copy_is_refused(file: Path) -> None:
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("roots/0/../../.bashrc", b"mine")

    with pytest.raises(SnapshotError, match="a file outside of the stack"):
        Snapshot.read(file)


def test_plugins_and_links_are_not_listed(tmp_path: Path) -> None:
    for name in ("main.tf", ".terraform/providers/aws", ".terraform/modules/modules.json", ".terraform/note"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to(tmp_path / "main.tf")

    assert file_stamps(tmp_path).keys() == {"main.tf", ".terraform/modules/modules.json"}


def test_files_know_whether_they_can_be_run(tmp_path: Path) -> None:
    (tmp_path / "run").write_bytes(b"#!")
    (tmp_path / "run").chmod(0o755)
    (tmp_path / "read").write_bytes(b"text")

    assert files_in(tmp_path, ["run", "read"]) == {
        "run": File(content=b"#!", is_executable=True),
        "read": File(content=b"text"),
    }
