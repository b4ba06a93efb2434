from __future__ import annotations

import json
import os
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.base.process import run
from harness.errors import PackageError
from harness.functions import packages
from harness.functions.packages import esbuild

if TYPE_CHECKING:
    from pathlib import Path

    from harness import Settings
    from harness.settings import PackageSettings

    from .conftest import MakeNode

ENTRY = """
import ms from "ms";
import { one } from "./one";
export const handler = async () => ms(one as string);
"""
SOURCES = {"src/index.ts": ENTRY, "src/one.ts": 'export const one = "1s";\n'}


def bundle(zip_file: Path) -> str:
    with zipfile.ZipFile(zip_file) as archive:
        assert archive.namelist() == ["index.js"]
        return archive.read("index.js").decode()


def result(settings: Settings, script: str, tmp_path: Path) -> str:
    """Return the result of a bundle's handler."""
    (tmp_path / "bundle.js").write_text(script, "utf-8")
    code = 'require("./bundle.js").handler().then((value) => console.log(value))'
    return run(["node", "-e", code], env=settings.environ, timeout=30, cwd=tmp_path).stdout.strip()


def own_esbuild(folder: Path, script: str, version: str = "0.1.0") -> None:
    """Write a program into a folder's node_modules that takes the place of esbuild."""
    program = folder / "node_modules" / ".bin" / "esbuild"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    program.chmod(0o755)
    manifest = folder / "node_modules" / "esbuild" / "package.json"
    manifest.parent.mkdir()
    manifest.write_text(json.dumps({"version": version}), "utf-8")


WRITES_ITS_OPTIONS = 'for each in "$@"; do case $each in --outfile=*) echo "$@" > "${each#*=}";; esac; done'


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install esbuild once."""
    home = tmp_path_factory.mktemp("esbuild")
    argv = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", f"esbuild@{esbuild.VERSION}"]
    run(argv, env=os.environ, timeout=120, cwd=home)
    return home / "node_modules"


@pytest.fixture
def described(node: MakeNode) -> PackageSettings:
    return node(SOURCES, entry="src/index.ts")


@pytest.fixture
def bundling(described: PackageSettings, installation: Path) -> PackageSettings:
    """Let the package use the installed esbuild."""
    (described.source.parent / "node_modules").symlink_to(installation)
    return described


def test_the_entry_and_all_that_it_imports_are_one_file_that_runs(
    settings: Settings, bundling: PackageSettings, tmp_path: Path
) -> None:
    script = bundle(packages.build(settings, bundling))

    assert result(settings, script, tmp_path) == "1000"


def test_another_cache_gives_the_same_bytes(settings: Settings, bundling: PackageSettings) -> None:
    first = packages.build(settings, bundling).read_bytes()
    elsewhere = replace(settings, cache_dir=settings.cache_dir.with_name("other"))
    packages.build(elsewhere, replace(bundling, output=bundling.output.with_name("b.zip")))

    assert bundling.output.with_name("b.zip").read_bytes() == first


def test_it_is_bundled_again_only_when_a_source_has_changed(
    settings: Settings, bundling: PackageSettings, commands: list[list[str]]
) -> None:
    packages.build(settings, bundling)
    packages.build(settings, bundling)
    assert [argv[0] for argv in commands] == ["npm", "esbuild"]

    (bundling.source / "src/one.ts").write_text('export const one = "2s";\n', "utf-8")
    assert '"2s"' in bundle(packages.build(settings, bundling))
    assert [argv[0] for argv in commands] == ["npm", "esbuild", "esbuild"]


@pytest.mark.parametrize("above", [False, True])
def test_the_projects_own_esbuild_is_taken_if_it_is_there(
    settings: Settings, described: PackageSettings, *, above: bool
) -> None:
    own_esbuild(described.source.parent if above else described.source, WRITES_ITS_OPTIONS)

    options = bundle(packages.build(settings, described)).split()

    assert {"src/index.ts", "--bundle", "--platform=node", "--target=node22"} <= set(options)


def test_the_version_that_is_locked_is_taken_rather_than_another_that_is_installed(
    settings: Settings, node: MakeNode, commands: list[list[str]]
) -> None:
    locked = {"esbuild": {"version": "0.25.12", "dev": True}, "ms": {"version": "2.1.3"}}
    described = node(SOURCES, entry="src/index.ts", locked=locked)
    own_esbuild(described.source, "exit 1")

    assert "exports" in bundle(packages.build(settings, described))
    assert "esbuild@0.25.12" in next(argv for argv in commands if "install" in argv)


@pytest.mark.parametrize("has_own", [False, True])
def test_the_aws_sdk_is_the_runtimes_unless_it_is_locked(
    settings: Settings, node: MakeNode, *, has_own: bool
) -> None:
    locked = {"ms": {"version": "2.1.3"}, **({"@aws-sdk/types": {"version": "3.840.0"}} if has_own else {})}
    described = node(SOURCES, entry="src/index.ts", locked=locked)
    own_esbuild(described.source, WRITES_ITS_OPTIONS)

    options = bundle(packages.build(settings, described)).split()

    assert ("--external:@aws-sdk/*" in options) is not has_own


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("const a = ;", r'index\.ts:1: Unexpected ";"$'),
        ("\nimport x from './nothing'; x();", r'index\.ts:2: Could not resolve "\./nothing"$'),
    ],
)
def test_a_mistake_in_a_module_is_told_with_its_line(
    settings: Settings, bundling: PackageSettings, text: str, told: str
) -> None:
    (bundling.source / "src/index.ts").write_text(text, "utf-8")

    with pytest.raises(PackageError, match=told):
        packages.build(settings, bundling)


def test_an_entry_that_is_not_there_is_told(settings: Settings, described: PackageSettings) -> None:
    with pytest.raises(PackageError, match=r"expected the entry src/app\.ts, found none there"):
        packages.build(settings, replace(described, entry="src/app.ts"))


def test_without_esbuild_it_is_told_how_to_get_it(
    settings: Settings, described: PackageSettings, tmp_path: Path
) -> None:
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(
        "#!/bin/sh\necho 'npm error code ENOTFOUND' >&2\necho 'npm error no way' >&2\nexit 1", "utf-8"
    )
    npm.chmod(0o755)
    path = f"{npm.parent}:{settings.environ['PATH']}"
    offline = replace(settings, environ={**settings.environ, "PATH": path})

    with pytest.raises(PackageError, match=r"esbuild [\d.]+ can't be installed; `npm") as raised:
        packages.build(offline, described)

    assert raised.value.text.endswith("`npm install` failed: no way")
