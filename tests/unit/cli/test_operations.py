from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness import PackageSettings, Settings
from harness.cli import operations

if TYPE_CHECKING:
    from pathlib import Path


def test_every_package_is_watched_but_not_what_is_built(settings: Settings, tmp_path: Path) -> None:
    for folder in ("infra", "one", "two"):
        (tmp_path / folder).mkdir()
    (tmp_path / "infra" / "main.tf").touch()
    packages = tuple(
        PackageSettings(name=name, source=tmp_path / name, output=tmp_path / name / "own.zip")
        for name in ("one", "two")
    )
    watched = operations.changes(replace(settings, terraform_dir=tmp_path / "infra", packages=packages))
    assert next(watched) == []

    for name in ("one/own.zip", "one/own.lock", "one/node_modules", "two/app.js"):
        (tmp_path / name).touch()

    assert next(watched) == [tmp_path / "two" / "app.js"]
