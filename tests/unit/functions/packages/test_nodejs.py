from __future__ import annotations

import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.errors import PackageError
from harness.functions import packages
from harness.functions.runtimes import nodejs

if TYPE_CHECKING:
    from pathlib import Path

    from harness import Settings

    from .conftest import MakeNode

HANDLER = 'const ms = require("ms");\nexports.handler = async (event) => ms(event);\n'


def test_the_zip_holds_the_files_and_what_is_locked_but_nothing_hidden(
    settings: Settings, node: MakeNode
) -> None:
    described = node({"app.js": HANDLER, "lib/one.json": "1", ".env": "KEY=x", "node_modules/x/x.js": "x"})

    names = zipfile.ZipFile(packages.build(settings, described)).namelist()

    assert [name for name in names if not name.startswith("node_modules/")] == [
        *("app.js", "lib/one.json", "package.json"),
    ]
    assert {"node_modules/ms/index.js", "node_modules/ms/package.json"} <= set(names)
    assert not [name for name in names if name.startswith(("node_modules/x/", "node_modules/."))]


def test_the_zip_is_not_in_itself(settings: Settings, node: MakeNode) -> None:
    described = node({"app.js": HANDLER})
    described = replace(described, output=described.source / "app.zip")
    first = packages.build(settings, described).read_bytes()

    assert packages.build(settings, described).read_bytes() == first
    assert "app.zip" not in zipfile.ZipFile(described.output).namelist()


def test_the_same_source_gives_the_same_bytes_and_is_installed_once(
    settings: Settings, node: MakeNode, commands: list[list[str]]
) -> None:
    described = node({"app.js": HANDLER})
    first = packages.build(settings, described)
    before, written = first.read_bytes(), first.stat().st_mtime_ns

    packages.build(settings, described)

    assert (first.read_bytes(), first.stat().st_mtime_ns) == (before, written)
    assert len([argv for argv in commands if argv[0] == "npm"]) == 1


def test_another_cache_gives_the_same_bytes(settings: Settings, node: MakeNode) -> None:
    described = node({"app.js": HANDLER})
    first = packages.build(settings, described).read_bytes()
    elsewhere = replace(settings, cache_dir=settings.cache_dir.with_name("other"))
    packages.build(elsewhere, replace(described, output=described.output.with_name("b.zip")))

    assert described.output.with_name("b.zip").read_bytes() == first


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("app.js", "\nexports.handler = async (event) => {", 2),
        ("app.mjs", "export const handler = async (event) => ;", 1),
        ("lib/app.cjs", "import x from 'y';", 1),
    ],
)
def test_a_mistake_in_a_module_is_told_with_its_line(
    settings: Settings, node: MakeNode, name: str, text: str, line: int
) -> None:
    described = replace(node({name: text}), nodejs="18")

    with pytest.raises(PackageError, match=rf"packaging .*{name}:{line}: SyntaxError: .*\n  .+$"):
        packages.build(settings, described)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("app.js", "#!/usr/bin/env node\nif (!module.parent) return;\nimport('y');"),
        ("app.js", "import x from 'y';\nexport const handler = await x;"),
        ("app.js", "const x = await (await import('y')).z;\nexport { x };"),
        ("app.mjs", "const x = await 1;"),
        ("app.cjs", "return;"),
    ],
)
def test_scripts_and_modules_are_compiled_as_what_they_are(
    settings: Settings, node: MakeNode, name: str, text: str
) -> None:
    assert packages.build(settings, replace(node({name: text}), nodejs="18")).exists()


def test_syntax_that_only_the_functions_node_may_know_is_a_warning(
    settings: Settings, node: MakeNode, caplog: pytest.LogCaptureFixture
) -> None:
    described = replace(node({"app.js": "some syntax"}), nodejs="99")

    assert packages.build(settings, described).exists()
    assert "app.js:1: SyntaxError: Unexpected identifier" in caplog.messages[0]
    assert "99 may know better than the Node.js on PATH" in caplog.messages[0]


def test_the_functions_own_node_compiles_if_a_run_has_installed_it(
    settings: Settings, node: MakeNode, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "node99"
    printed = ("99", "app.js:7", "some syntax", "^", "", "SyntaxError: so says 99")
    own.write_text("\n".join(["#!/bin/sh", *(f"echo '{line}'" for line in printed), "exit 1"]), "utf-8")
    own.chmod(0o755)
    monkeypatch.setattr(nodejs, "is_installed", lambda _settings, major: major == 99)
    monkeypatch.setattr(nodejs, "install", lambda _settings, _major: nodejs.Node(program=own, npm=()))

    with pytest.raises(PackageError, match=r"app\.js:7: SyntaxError: so says 99"):
        packages.build(settings, replace(node({"app.js": "some syntax"}), nodejs="99"))


def test_programs_among_the_modules_stay_programs(settings: Settings, node: MakeNode) -> None:
    locked = {
        "semver": {
            "version": "7.7.3",
            "resolved": "https://registry.npmjs.org/semver/-/semver-7.7.3.tgz",
            "bin": {"semver": "bin/semver.js"},
        }
    }
    archive = zipfile.ZipFile(packages.build(settings, node({"app.js": ""}, locked=locked)))

    modes = {entry.filename: oct(entry.external_attr >> 16) for entry in archive.infolist()}

    assert modes["node_modules/semver/bin/semver.js"] == "0o100755"
    assert modes["node_modules/semver/package.json"] == modes["app.js"] == "0o100644"
