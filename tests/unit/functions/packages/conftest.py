from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

import pytest

from harness.base import process
from harness.settings import PackageSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MS = {
    "version": "2.1.3",
    "resolved": "https://registry.npmjs.org/ms/-/ms-2.1.3.tgz",
    "integrity": (
        "sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA=="
    ),
}


class MakeNode(Protocol):
    def __call__(
        self, files: Mapping[str, str], *, locked: Mapping[str, object] | None = None, entry: str = ""
    ) -> PackageSettings: ...


@pytest.fixture
def node(tmp_path: Path) -> MakeNode:
    """Return a function that writes a Node.js package and its lock file, by default with `ms`."""

    def make(
        files: Mapping[str, str], *, locked: Mapping[str, object] | None = None, entry: str = ""
    ) -> PackageSettings:
        source = tmp_path / "app"
        modules = {f"node_modules/{name}": entry for name, entry in (locked or {"ms": MS}).items()}
        wanted = {name.rpartition("node_modules/")[2]: "*" for name in modules}
        root = {"name": "app", "version": "1.0.0", "dependencies": wanted}
        manifests = {
            "package.json": json.dumps(root),
            "package-lock.json": json.dumps(
                {**root, "lockfileVersion": 3, "packages": {"": root, **modules}}
            ),
        }
        for name, text in {**manifests, **files}.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_text(text, "utf-8")
        return PackageSettings(kind="nodejs", source=source, output=tmp_path / "build/app.zip", entry=entry)

    return make


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the commands that are run for packages."""
    noted: list[list[str]] = []

    def noting(argv: list[str], **options: object) -> process.Completed:
        noted.append([argv[0].rpartition("/")[2], *argv[1:]])
        return process.run(argv, **options)  # type: ignore[arg-type] # handed on as it came

    for module in ("npm", "python"):
        monkeypatch.setattr(f"harness.functions.packages.{module}.run", noting)
    return noted
