from __future__ import annotations

import os
import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from harness.functions.packages.archive import Member, files_in, write_zip

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def members(tmp_path: Path) -> dict[PurePosixPath, Member]:
    for name in ("b.txt", "a.txt"):
        (tmp_path / name).write_text(name, "utf-8")
    return {PurePosixPath(file.name): Member(file) for file in tmp_path.iterdir()}


def test_an_unchanged_zip_is_left_untouched(members: dict[PurePosixPath, Member], tmp_path: Path) -> None:
    output = write_zip(members, tmp_path / "build" / "app.zip")
    os.utime(output, (1_000_000_000, 1_000_000_000))

    write_zip(members, output)

    assert output.stat().st_mtime == 1_000_000_000
    assert sorted(file.name for file in output.parent.iterdir()) == ["app.lock", "app.zip"]


def test_a_changed_member_is_another_zip(members: dict[PurePosixPath, Member], tmp_path: Path) -> None:
    first = write_zip(members, tmp_path / "app.zip").read_bytes()
    members[PurePosixPath("a.txt")].file.write_text("changed", "utf-8")

    assert write_zip(members, tmp_path / "app.zip").read_bytes() != first


def test_members_are_sorted_stored_readable_and_of_one_fixed_time(
    members: dict[PurePosixPath, Member], tmp_path: Path
) -> None:
    members[PurePosixPath("c")] = Member(tmp_path / "a.txt", is_executable=True)
    entries = zipfile.ZipFile(write_zip(members, tmp_path / "app.zip")).infolist()

    assert [(entry.filename, entry.external_attr >> 16) for entry in entries] == [
        ("a.txt", 0o100644),
        ("b.txt", 0o100644),
        ("c", 0o100755),
    ]
    assert {(entry.compress_type, entry.date_time) for entry in entries} == {
        (zipfile.ZIP_STORED, (1980, 1, 1, 0, 0, 0))
    }


def test_what_is_skipped_is_not_looked_into(tmp_path: Path) -> None:
    for name in ("a/one", "a/skip/two", "skip/three", "four"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    asked: list[str] = []

    def skipped(file: PurePosixPath) -> bool:
        asked.append(str(file))
        return file.name == "skip"

    assert {str(name) for name, _ in files_in(tmp_path, skipped)} == {"a/one", "four"}
    assert "a/skip/two" not in asked
