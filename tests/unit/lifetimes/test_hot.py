from __future__ import annotations

import platform
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import Endpoint, SettingsError
from harness.errors import PackageError
from harness.lifetimes import hot
from harness.lifetimes.hot import HotSources
from harness.settings import PackageSettings

if TYPE_CHECKING:
    from pathlib import Path

    from harness import Settings


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "src" / "app"
    (folder / "deeper").mkdir(parents=True)
    (folder / "__init__.py").write_text("VALUE = 1\n", "utf-8")
    (folder / "deeper" / "text.txt").write_text("text", "utf-8")
    return folder


@pytest.fixture
def endpoint(tmp_path: Path) -> Endpoint:
    (tmp_path / "emulator" / "hot").mkdir(parents=True)
    log = tmp_path / "emulator" / "emulator.log"
    return Endpoint(backend="ministack", url="http://127.0.0.1:1", region="eu-north-1", log=log)


@pytest.fixture
def reload(settings: Settings, tmp_path: Path, source: Path, endpoint: Endpoint) -> HotSources:
    """Return the hot reload of the functions of one package."""
    zipped = tmp_path / "app.zip"
    python = ".".join(platform.python_version_tuple()[:2])  # syntax is checked where this one knows it
    package = PackageSettings(source=source, output=zipped, python=python)
    made = HotSources(settings=replace(settings, package=package))
    made.begin(endpoint, {str(zipped): "0abc"})
    return made


@pytest.fixture
def copy(reload: HotSources, tmp_path: Path) -> Path:
    assert reload.copies
    return tmp_path / "emulator" / "hot" / "0abc"


def test_all_sources_stand_in_from_the_begin_to_the_end(
    reload: HotSources, copy: Path, endpoint: Endpoint
) -> None:
    assert (copy / "over" / "app" / "__init__.py").read_text("utf-8") == "VALUE = 1\n"
    assert (copy / "over" / "app" / "deeper" / "text.txt").is_file()
    assert (copy / "stamp").read_text("utf-8")
    assert hot.is_on(endpoint)

    reload.end()

    assert not copy.exists()
    assert not hot.is_on(endpoint)


def test_what_is_saved_stands_in_with_another_stamp(reload: HotSources, copy: Path, source: Path) -> None:
    before = (copy / "stamp").read_text("utf-8")
    (source / "__init__.py").write_text("VALUE = 22\n", "utf-8")
    (source / "more.py").touch()
    (source / "deeper" / "text.txt").unlink()

    assert reload.saved() == ["__init__.py", "more.py", "text.txt"]

    assert (copy / "over" / "app" / "__init__.py").read_text("utf-8") == "VALUE = 22\n"
    assert not (copy / "over" / "app" / "deeper" / "text.txt").exists()
    assert (copy / "stamp").read_text("utf-8") != before


def test_what_is_the_same_keeps_functions_warm(reload: HotSources, copy: Path) -> None:
    before = (copy / "stamp").read_text("utf-8")

    assert reload.saved() == []
    assert (copy / "stamp").read_text("utf-8") == before


def test_a_syntax_error_is_told_and_the_code_before_it_goes_on(
    reload: HotSources, copy: Path, source: Path
) -> None:
    before = (copy / "stamp").read_text("utf-8")
    (source / "a.py").write_text("VALUE = 2\n", "utf-8")
    (source / "b.py").write_text("def (\n", "utf-8")

    with pytest.raises(PackageError, match=r"b\.py:1: invalid syntax"):
        reload.saved()

    assert not (copy / "over" / "app" / "a.py").exists()
    assert (copy / "stamp").read_text("utf-8") == before
    (source / "b.py").unlink()
    assert reload.saved() == ["a.py"]


def test_only_sources_of_a_package_need_no_apply(reload: HotSources, source: Path, tmp_path: Path) -> None:
    assert reload.covers([source / "__init__.py", source / "gone.py"])
    assert not reload.covers([source / "__init__.py", tmp_path / "main.tf"])
    assert not reload.covers([])


def test_what_a_killed_watch_has_left_is_taken_away(
    reload: HotSources, copy: Path, endpoint: Endpoint
) -> None:
    fresh = replace(reload, copies=[])

    fresh.begin(endpoint, {str(reload.copies[0][0].output): "1def"})

    assert [folder.name for folder in copy.parent.iterdir()] == ["1def"]


@pytest.mark.parametrize("has_log", [False, True])
def test_functions_elsewhere_are_refused(
    reload: HotSources, endpoint: Endpoint, tmp_path: Path, *, has_log: bool
) -> None:
    log = tmp_path / "container.log" if has_log else None
    elsewhere = replace(endpoint, backend="container", log=log)

    with pytest.raises(SettingsError, match="host, localemu or ministack, got 'container'"):
        reload.begin(elsewhere, {})
    assert not hot.is_on(elsewhere)


def test_without_a_package_there_is_nothing_to_reload(settings: Settings, endpoint: Endpoint) -> None:
    with pytest.raises(SettingsError, match=r"expected a \[tool.harness.package\]"):
        HotSources(settings=replace(settings, package=None)).begin(endpoint, {})


@pytest.mark.skipif(not shutil.which("node"), reason="Node.js checks its syntax")
def test_a_package_of_nodejs_is_reloaded_file_by_file(
    settings: Settings, endpoint: Endpoint, tmp_path: Path
) -> None:
    source = tmp_path / "js"
    (source / "lib").mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        (source / name).write_text("{}", "utf-8")
    (source / "index.mjs").write_text("export const handler = () => 1;\n", "utf-8")
    (source / "lib" / "words.cjs").touch()
    package = PackageSettings(source=source, output=tmp_path / "js.zip", kind="nodejs", nodejs="18")
    made = HotSources(settings=replace(settings, package=package))
    over = tmp_path / "emulator" / "hot" / "0abc" / "over"

    assert made.begin(endpoint, {str(package.output): "0abc"}) == ["js"]
    assert {file.relative_to(over).as_posix() for file in over.rglob("*") if file.is_file()} == {
        *("package.json", "index.mjs", "lib/words.cjs"),
    }

    (source / "index.mjs").write_text("export const handler = () => {;\n", "utf-8")
    with pytest.raises(PackageError, match=r"index\.mjs:\d+: SyntaxError"):
        made.saved()
    assert (over / "index.mjs").read_text("utf-8") == "export const handler = () => 1;\n"

    (source / "index.mjs").write_text("export const handler = () => 22;\n", "utf-8")
    assert made.saved() == ["index.mjs"]
    assert made.covers([source / "index.mjs"])
    assert not made.covers([source / "package-lock.json"])
    made.end()


@pytest.mark.skipif(not shutil.which("node"), reason="Node.js checks its syntax")
def test_node_js_is_started_once_for_all_that_is_saved(
    settings: Settings, endpoint: Endpoint, tmp_path: Path
) -> None:
    source, starts, program = tmp_path / "js", tmp_path / "starts", tmp_path / "bin" / "node"
    source.mkdir()
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho >> {starts}\nexec {shutil.which("node")} "$@"\n', "utf-8")
    program.chmod(0o700)
    for name in ("package.json", "package-lock.json"):
        (source / name).write_text("{}", "utf-8")
    (source / "index.cjs").touch()
    package = PackageSettings(source=source, output=tmp_path / "js.zip", kind="nodejs", nodejs="18")
    made = HotSources(settings=replace(settings, package=package, environ={"PATH": str(program.parent)}))
    made.begin(endpoint, {str(package.output): "0abc"})

    for number in range(3):
        (source / "index.cjs").write_text(f"exports.handler = () => {number};\n" * (number + 1), "utf-8")
        assert made.saved() == ["index.cjs"]
    made.end()

    assert starts.read_text("utf-8") == "\n"
