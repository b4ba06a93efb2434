from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.errors import PackageError
from harness.functions import packages

if TYPE_CHECKING:
    from pathlib import Path

    from harness import Settings
    from harness.settings import PackageSettings

    from .conftest import MakeNode


def told(settings: Settings, described: PackageSettings) -> str:
    """Return the message of a failed build, which is one line."""
    with pytest.raises(PackageError) as raised:
        packages.build(settings, described)
    (line,) = str(raised.value).splitlines()
    return line.removeprefix(f"packaging {described.source}: ")


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("package.json", "npm init"), ("package-lock.json", "npm install --package-lock-only")],
)
def test_a_manifest_that_is_missing_is_told_with_the_command_that_writes_it(
    settings: Settings, node: MakeNode, name: str, remedy: str
) -> None:
    described = node({"app.js": ""})
    (described.source / name).unlink()

    assert told(settings, described) == f"expected {name}, found none there; write it with `{remedy}`"


def test_a_machine_without_node_is_told_so(settings: Settings, node: MakeNode, tmp_path: Path) -> None:
    nowhere = replace(settings, environ={**settings.environ, "PATH": str(tmp_path)})

    assert told(nowhere, node({"app.js": ""})).startswith(
        "expected node on PATH, found none; install Node.js"
    )


def test_a_machine_without_npm_is_told_so(settings: Settings, node: MakeNode, tmp_path: Path) -> None:
    (tmp_path / "node").write_text("#!/bin/sh\n", "utf-8")
    (tmp_path / "node").chmod(0o755)
    nowhere = replace(settings, environ={**settings.environ, "PATH": str(tmp_path)})

    assert told(nowhere, node({"app.js": ""})).startswith("expected npm on PATH, found none; install Node.js")


def test_a_lock_of_another_manifest_is_told_in_npms_words(settings: Settings, node: MakeNode) -> None:
    described = node({"app.js": ""})
    manifest = {"name": "app", "version": "1.0.0", "dependencies": {"ms": "2.1.3", "semver": "7.7.3"}}
    (described.source / "package.json").write_text(json.dumps(manifest), "utf-8")

    assert told(settings, described).startswith("`npm ci` failed: `npm ci` can only install packages when")


def test_a_lock_that_is_no_json_is_told(settings: Settings, node: MakeNode) -> None:
    described = node({"app.js": "", "package-lock.json": "<<<<<<< HEAD"})

    assert told(settings, described).startswith("expected JSON in package-lock.json, got Expecting value")


def test_a_module_that_no_such_machine_can_have_is_told(settings: Settings, node: MakeNode) -> None:
    locked = {
        "@esbuild/darwin-arm64": {
            "version": "0.25.12",
            "resolved": "https://registry.npmjs.org/@esbuild/darwin-arm64/-/darwin-arm64-0.25.12.tgz",
            "os": ["darwin"],
            "cpu": ["arm64"],
        }
    }

    message = told(settings, node({"app.js": ""}, locked=locked))

    assert message.startswith("`npm ci` failed: ")
    assert "Unsupported platform for @esbuild/darwin-arm64@0.25.12" in message


def test_a_link_to_a_folder_is_told(settings: Settings, node: MakeNode) -> None:
    described = node({"app.js": ""}, locked={"lib": {"resolved": "../lib", "link": True}})

    assert "got a link to the folder ../lib; publish it" in told(settings, described)


def test_install_scripts_are_not_run_and_that_is_said(
    settings: Settings, node: MakeNode, caplog: pytest.LogCaptureFixture, commands: list[list[str]]
) -> None:
    described = node({"app.js": ""}, locked={"ms": {"version": "2.1.3", "hasInstallScript": True}})

    with caplog.at_level(logging.WARNING):
        packages.build(settings, described)

    assert caplog.messages == [f"the install scripts of ms are not run for {described.source}"]
    assert [argv[1:3] for argv in commands if argv[0] == "npm"] == [["ci", "--omit=dev"]]
    assert "--ignore-scripts" in commands[-1]


def test_what_only_the_development_needs_is_left_out(settings: Settings, node: MakeNode) -> None:
    root = {"name": "app", "version": "1.0.0", "devDependencies": {"ms": "2.1.3"}}
    lock = {
        "lockfileVersion": 3,
        "packages": {"": root, "node_modules/ms": {"version": "2.1.3", "dev": True}},
    }
    manifests = {"package.json": json.dumps(root), "package-lock.json": json.dumps({**root, **lock})}
    described = node({"app.js": "", **manifests})

    assert b"node_modules" not in packages.build(settings, described).read_bytes()


def test_a_registrys_token_does_not_stay_in_the_cache(settings: Settings, node: MakeNode) -> None:
    described = node({"app.js": "", ".npmrc": "//example.invalid/:_authToken=secret\n"})

    built = packages.build(settings, described)

    assert b"secret" not in built.read_bytes()
    assert list(settings.cache_dir.rglob(".npmrc")) == []
