"""The plan of the house: imports point down, never in circles, and each outside tool has one door."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

import harness
from harness.backends import BUILT_IN

HOME = Path(harness.__file__).parent
GUESTS = ("backends/guests", "stack/faults/addon.py")  # what runs in somebody else's interpreter
# From the ground up: a wing imports only from those before it, and from itself.
WINGS = [
    "errors",
    "base.telemetry",
    "values",
    "redaction",
    "settings",
    "base",
    "aws",
    "aws.calls",
    "aws.eventbridge",
    "terraform.hcl",
    "terraform",
    "terraform.rules",
    "terraform.needs",
    "functions.runtimes",
    "functions.packages",
    "functions.handlers",
    "backends",
    "stack.hops",
    "stack.faults",
    "stack.resources",
    "stack.deployment",
    "stack.assertions",
    "stack.snapshots",
    "session",
    "permissions",
    "coverage",
    "functions.debugger",
    "lifetimes",
    "report",
    "report.diagnosis",
    "cli",
    "plugin",
]
APART = ("base.telemetry", "functions.debugger")  # lower and higher than the rest of their folder
MOST_WINGS = 12
MOST_ROOMS = 9
MOST_NAMES = 25  # that a user has to know
ONE_DOOR = {
    "boto3": "aws.clients",
    "subprocess": "base.process",
    "docker": "backends.docker_engine",
    "testcontainers": "backends.docker_engine",
}  # the types of `subprocess` are everyone's


def is_guest(file: Path) -> bool:
    return file.relative_to(HOME).as_posix().startswith(GUESTS)


@cache
def modules() -> dict[str, Path]:
    """Return the harness's own modules that have more than a docstring, by dotted name without `harness.`."""
    files = [file for file in HOME.rglob("*.py") if not is_guest(file) and len(_tree(file).body) > 1]
    named = {".".join(file.relative_to(HOME).with_suffix("").parts): file for file in files}
    return {name.removesuffix(".__init__"): file for name, file in named.items() if name != "__init__"}


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


@cache
def imported(file: Path, *, typing_too: bool = True) -> set[str]:
    """Return the dotted names that `file` imports, by default those under `if TYPE_CHECKING` too."""
    tree = _tree(file)
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    names: set[str] = set()
    for node in ast.walk(tree):
        if node in typing_only and not typing_too:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@cache
def own_imports(module: str) -> set[str]:
    """Return the modules of the harness that `module` imports from."""
    known = modules()
    names = {name.removeprefix("harness.") for name in imported(known[module]) if name.startswith("harness.")}
    homes = {name if name in known else name.rpartition(".")[0] for name in names}
    return homes & known.keys() - {module}


def wing_of(module: str) -> str:
    """Return the wing of `module`, or the part of one that has a place of its own."""
    return max((wing for wing in WINGS if f"{module}.".startswith(f"{wing}.")), key=len, default=module)


def folders() -> list[Path]:
    """Return the folders of the harness that hold modules, apart from those of guests."""
    return sorted({file.parent for file in modules().values()} - {HOME})


def test_every_module_is_in_a_wing() -> None:
    assert {wing_of(module) for module in modules()} == set(WINGS)


@pytest.mark.parametrize("module", sorted(modules()))
def test_imports_point_down(module: str) -> None:
    below = WINGS[: WINGS.index(wing_of(module)) + 1]

    assert {name for name in own_imports(module) if wing_of(name) not in below} == set()


def test_no_modules_import_each_other_in_a_circle() -> None:
    left = {module: own_imports(module) for module in modules()}
    while free := {module for module, needs in left.items() if not needs & left.keys()}:
        left = {module: needs for module, needs in left.items() if module not in free}

    assert left == {}


def test_there_are_few_wings() -> None:
    assert len({folder.relative_to(HOME).parts[0] for folder in folders()}) <= MOST_WINGS


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: str(folder.relative_to(HOME)))
def test_a_folder_has_few_rooms(folder: Path) -> None:
    rooms = [file for file in folder.glob("*.py") if file.name != "__init__.py"]

    assert len(rooms) <= MOST_ROOMS


@pytest.mark.parametrize(
    "guest", sorted(f.relative_to(HOME).as_posix() for f in HOME.rglob("*.py") if is_guest(f))
)
def test_a_guest_imports_nothing_of_the_harness(guest: str) -> None:
    assert {name for name in imported(HOME / guest) if name.split(".")[0] == "harness"} == set()


@pytest.mark.parametrize(("tool", "door"), ONE_DOOR.items())
def test_each_outside_tool_has_one_door(tool: str, door: str) -> None:
    users = {
        name
        for name, file in modules().items()
        if any(i.split(".")[0] == tool for i in imported(file, typing_too=False))
    }

    assert users == {door}


def test_no_module_outside_the_backends_knows_one_by_its_name() -> None:
    names = BUILT_IN.keys() - {"aws"}  # which is the name of Terraform's provider too
    knowing = {
        name: known
        for name, file in modules().items()
        if wing_of(name) != "backends" and (known := names & _texts(file))
    }

    assert knowing == {}


def _texts(file: Path) -> set[object]:
    return {node.value for node in ast.walk(_tree(file)) if isinstance(node, ast.Constant)}


def test_only_the_edges_read_the_environment() -> None:
    readers = {name for name, file in modules().items() if "os.environ" in file.read_text("utf-8")}

    # A shell calls `complete`, and a handler that runs in this process reads what `handlers` sets.
    assert readers == {"plugin", "cli.complete", "cli.main", "functions.handlers", "session"}


def test_the_public_names_are_few_sorted_and_exist() -> None:
    assert len(harness.__all__) <= MOST_NAMES
    assert sorted(harness.__all__) == harness.__all__
    assert all(hasattr(harness, name) for name in harness.__all__)


def test_a_type_checker_sees_the_public_names_in_the_modules_that_they_come_from() -> None:
    tree = _tree(Path(harness.__file__))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    for_types = {
        alias.name: node.module
        for node in imports
        for alias in node.names
        if f"{node.module}".startswith("harness.")
    }

    assert for_types == harness._HOMES
    assert sorted(for_types) == harness.__all__
