from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from watchfiles import Change

from harness.cli import watch
from harness.settings import PackageSettings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from harness import Settings


def test_every_package_is_watched_but_not_what_is_built(settings: Settings, tmp_path: Path) -> None:
    for folder in ("infra", "one", "two"):
        (tmp_path / folder).mkdir()
    (tmp_path / "infra" / "main.tf").touch()
    packages = tuple(
        PackageSettings(name=name, source=tmp_path / name, output=tmp_path / name / "own.zip")
        for name in ("one", "two")
    )
    watched = watch.changes(replace(settings, terraform_dir=tmp_path / "infra", packages=packages))
    assert next(watched) == []

    for name in ("one/own.zip", "one/own.lock", "one/node_modules", "two/app.js"):
        (tmp_path / name).touch()

    assert next(watched) == [tmp_path / "two" / "app.js"]


def test_what_an_editor_makes_only_to_save_another_file_is_no_change(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "infra").mkdir()
    kept, gone, passing = tmp_path / "kept.py", tmp_path / "gone.py", tmp_path / "sedX1"
    kept.touch()
    saved = {(Change.added, str(passing)), (Change.deleted, str(passing))}
    batches = [set(), saved, saved | {(Change.modified, str(kept)), (Change.deleted, str(gone))}]
    monkeypatch.setattr(watch, "watch", lambda *_, **__: iter(batches))

    watched = watch.changes(replace(settings, terraform_dir=tmp_path / "infra", package=None))

    assert list(watched) == [[], [gone, kept]]
