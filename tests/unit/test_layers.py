"""Imports inside the harness point one way: down this list."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import harness

HOME = Path(harness.__file__).parent
LAYERS = [
    "errors",
    "types",
    "settings",
    "polling",
    "timeline",
    "process",
    "journal",
    "isolation",
    "localstack",
    "virtualenv",
    "package",
    "aws",
    "api",
    "workspace",
    "terraform_events",
    "transient",
    "terraform",
    "emulator",
    "engine",
    "backends.container",
    "backends.host",
    "backends.ministack",
    "backends.external",
    "backends.aws",
    "backends",
    "capabilities",
    "events",
    "conditions",
    "patterns",
    "invocations",
    "hops",
    "artifacts",
    "resetting",
    "policies",
    "metrics",
    "inventory",
    "expectations",
    "assertions",
    "encryption",
    "permissions",
    "faults",
    "deployment",
    "scenario",
    "progress",
    "keeper",
    "session",
    "sharing",
    "keeping",
    "sources",
    "sweeping",
    "report",
    "observing",
    "doctor",
    "console",
    "operations",
    "plugin",
    "cli",
]
ONE_DOOR = {
    "boto3": "aws",
    "subprocess": "process",
    "docker": "engine",
    "testcontainers": "engine",
}  # the types of `subprocess` are everyone's


def modules() -> dict[str, Path]:
    files = [*HOME.glob("*.py"), *HOME.glob("backends/*.py")]
    named = {".".join(file.relative_to(HOME).with_suffix("").parts): file for file in files}
    return {name.removesuffix(".__init__"): file for name, file in named.items() if name != "__init__"}


def imported(file: Path) -> set[str]:
    """Return the dotted names that `file` imports outside of `if TYPE_CHECKING`."""
    tree = ast.parse(file.read_text("utf-8"))
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    names: set[str] = set()
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def test_every_module_has_its_layer() -> None:
    assert sorted(modules()) == sorted(LAYERS)


@pytest.mark.parametrize("module", LAYERS)
def test_a_module_imports_only_from_layers_above_it(module: str) -> None:
    allowed = set(LAYERS[: LAYERS.index(module)])
    own = {
        name.removeprefix("harness.") for name in imported(modules()[module]) if name.startswith("harness.")
    }

    assert {name for name in own if name in LAYERS} <= allowed


@pytest.mark.parametrize(("tool", "door"), ONE_DOOR.items())
def test_each_outside_tool_has_one_door(tool: str, door: str) -> None:
    users = {name for name, file in modules().items() if any(i.split(".")[0] == tool for i in imported(file))}

    assert users == {door}


def test_only_the_edges_read_the_environment() -> None:
    readers = {name for name, file in modules().items() if "os.environ" in file.read_text("utf-8")}

    assert readers == {"plugin", "cli"}


def test_the_public_names_are_sorted_and_exist() -> None:
    assert sorted(harness.__all__) == harness.__all__
    assert all(hasattr(harness, name) for name in harness.__all__)
