"""Check a documented shell command without running it: everything that it names must exist."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import botocore.loaders
import botocore.model
import botocore.session
from botocore import xform_name
from packaging.requirements import Requirement

from harness import Settings
from harness.cli import main
from harness.settings.forms import settings_of, variable_of
from tests.docs.snippets import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Commands of the shell, and tools that every reader has and that the documents only mention.
_SHELL = {"eval", "trap", "git", "source", "cat", "mkdir", "jq", "open"}
_AWS_GLOBALS = {
    "--cli-input-json",
    "--query",
    "--output",
    "--region",
    "--profile",
    "--cli-binary-format",
    "--no-cli-pager",
    "--max-items",
}
_OPERATORS = {"&&", "||", "|", ";"}
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_SUBSTITUTION = re.compile(r"\$\(([^()]+)\)")


@dataclass(slots=True)
class Place:
    """The place at which a command of a block runs. `cd` moves it, and `complaints` collects the errors."""

    folder: Path = PROJECT
    complaints: list[str] = field(default_factory=list)

    def expect(self, holds: object, complaint: str) -> None:
        """Note `complaint` unless it holds."""
        if not holds:
            self.complaints.append(complaint)


def complaints(code: str, folder: Path = PROJECT) -> list[str]:
    """Return the errors in the commands of a shell block that starts in `folder`."""
    place = Place(folder)
    for words in commands(code):
        _checked(words, place)
    return place.complaints


def commands(code: str) -> list[list[str]]:
    """Return the simple commands of a shell block, each as its words. Commands in `$(…)` come first."""
    found: list[list[str]] = []
    for line in code.replace("\\\n", " ").splitlines():
        found += [words for inner in _SUBSTITUTION.findall(line) for words in commands(inner)]
        command: list[str] = []
        for word in [*_words(_SUBSTITUTION.sub("SUBSTITUTED", line)), ";"]:
            if word in _OPERATORS:
                found += [command] if command else []
                command = []
            else:
                command.append(word)
    return found


def _words(line: str) -> list[str]:
    """Return the words of a line and the operators between them, quotes removed."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;")
    lexer.whitespace_split = True
    return list(lexer)


def _checked(words: list[str], place: Place) -> None:
    while words and (assigned := _ASSIGNMENT.fullmatch(words[0])):
        _setting(assigned[1], place)
        words = words[1:]
    if not words:
        return
    program, *arguments = words
    program = program.removeprefix(".venv/bin/")
    if program in _SHELL:
        return
    check = _PROGRAMS.get(program)
    if check is None:
        file = place.folder / program
        place.expect(
            "/" in program and file.is_file() and file.stat().st_mode & 0o100, f"nobody checks `{program}`"
        )
    else:
        check(arguments, place)


def _setting(name: str, place: Place) -> None:
    known = {variable_of(setting) for setting in settings_of(Settings)}
    place.expect(not name.startswith("HARNESS_") or name in known, f"no setting is called {name}")


def _export(arguments: list[str], place: Place) -> None:
    for argument in arguments:
        _setting(argument.split("=", 1)[0], place)


def _cd(arguments: list[str], place: Place) -> None:
    place.folder = place.folder / arguments[0]
    place.expect(place.folder.is_dir(), f"no folder is called {arguments[0]}")


def _uv(arguments: list[str], place: Place) -> None:
    known = arguments[:1] in (["run"], ["add"], ["sync"])
    place.expect(known, f"nobody checks `uv {' '.join(arguments)}`")
    if arguments[0] == "run":
        _checked(arguments[1:], place)
    if arguments[0] == "add":
        _install([argument for argument in arguments[1:] if argument != "--dev"], place)


def _install(arguments: list[str], place: Place) -> None:
    table = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    for argument in arguments:
        if not argument.startswith("-"):
            wanted = Requirement(argument)
            own = wanted.name == table["name"]
            unknown = wanted.extras - set(table["optional-dependencies"]) if own else set()
            place.expect(not unknown, f"no extra is called {', '.join(unknown)}")


def _pip(arguments: list[str], place: Place) -> None:
    place.expect(arguments[0] == "install", f"nobody checks `pip {arguments[0]}`")
    _install(arguments[1:], place)


def _python(arguments: list[str], place: Place) -> None:
    place.expect(arguments[0] == "-m", f"nobody checks `python {' '.join(arguments)}`")
    place.expect(importlib.util.find_spec(arguments[1]), f"no module is called {arguments[1]}")


def _harness(arguments: list[str], place: Place) -> None:
    group = main.app
    for name in _optionless(group, arguments, place)[:1]:
        place.expect(name in group.commands, f"harness has no command {name}")
        if name in group.commands:
            _optionless(group.commands[name], arguments[arguments.index(name) + 1 :], place)


def _optionless(command: Any, arguments: list[str], place: Place) -> list[str]:  # noqa: ANN401 - a command of click
    """Check the options of a command, up to its subcommand if it has some, and return the rest."""
    known = _named(command)
    rest = list(arguments)
    others: list[str] = []
    while rest and not (others and hasattr(command, "commands")):
        name, _, value = rest.pop(0).partition("=")
        if name.startswith("-"):
            place.expect(name in known, f"harness has no option {name}")
            rest = rest[1:] if known.get(name) and not value else rest
        else:
            others.append(name)
    return others


def _named(command: Any) -> dict[str, bool]:  # noqa: ANN401 - as above
    """Return the options of a command, and whether each takes a value."""
    return {"--help": False} | {
        name: not getattr(parameter, "is_flag", False)
        for parameter in command.params
        for name in (*parameter.opts, *parameter.secondary_opts)
    }


def _nox(arguments: list[str], place: Place) -> None:
    ours, _, theirs = " ".join(arguments).partition(" -- ")
    names = ours.split()
    for option, value in pairwise([*names, ""]):
        if option == "-s":
            place.expect(value in sessions(), f"nox has no session {value}")
    place.expect(
        {name for name in names if name.startswith("-")} <= {"-s", "-l", "-k"}, f"nobody checks {ours}"
    )
    if theirs:
        _pytest(shlex.split(theirs), place)


@cache
def sessions() -> frozenset[str]:
    """Return the names of the noxfile's sessions, with a further name for each of several Pythons."""
    tree = ast.parse((PROJECT / "noxfile.py").read_text("utf-8"))
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            for python in _pythons(node, constants):
                found |= {node.name, f"{node.name}-{python}"}
    return frozenset(found)


def _pythons(function: ast.FunctionDef, constants: dict[str, ast.expr]) -> list[str]:
    """Return the Pythons that a function's `nox.session` names."""
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "nox.session":
            (python,) = (keyword.value for keyword in decorator.keywords if keyword.arg == "python")
            return _texts(python, constants)
    return []


def _texts(value: ast.expr, constants: dict[str, ast.expr]) -> list[str]:
    if isinstance(value, ast.Name):
        return _texts(constants[value.id], constants)
    if isinstance(value, ast.List):
        return [text for element in value.elts for text in _texts(element, constants)]
    return [str(ast.literal_eval(value))]


def _pytest(arguments: list[str], place: Place) -> None:
    known = _options(sys.executable, "-m", "pytest", "--help")
    for argument in arguments:
        if argument.startswith("-"):
            place.expect(argument.split("=")[0] in known, f"pytest has no option {argument}")
        elif "/" in argument:
            file = argument.split("::")[0]
            place.expect((place.folder / file).exists(), f"no file is called {file}")


def _terraform(arguments: list[str], place: Place) -> None:
    if arguments[0].startswith("-chdir="):
        folder = arguments.pop(0).removeprefix("-chdir=")
        place.expect((place.folder / folder).is_dir(), f"no folder is called {folder}")
    command, *rest = arguments
    # The help of destroy refers to that of apply, whose options it takes.
    known = _options("terraform", "apply" if command == "destroy" else command, "-help")
    for argument in rest:
        if argument.startswith("-"):
            place.expect(argument.split("=")[0] in known, f"terraform {command} has no option {argument}")


@cache
def _options(*argv: str) -> frozenset[str]:
    """Return every option that the help of a program names."""
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60, cwd=PROJECT)
    return frozenset(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", done.stdout))


def _checkov(arguments: list[str], place: Place) -> None:
    option, file = arguments
    place.expect(option == "--config-file", f"nobody checks {option}")
    place.expect((place.folder / file).is_file(), f"no file is called {file}")


def _coverage(arguments: list[str], place: Place) -> None:
    known = _options(sys.executable, "-m", "coverage", arguments[0], "--help")
    for argument in arguments[1:]:
        place.expect(argument.split("=")[0] in known, f"coverage {arguments[0]} has no option {argument}")


def _mkdocs(arguments: list[str], place: Place) -> None:
    known = _options(sys.executable, "-m", "mkdocs", arguments[0], "--help")
    for argument in arguments[1:]:
        place.expect(argument in known, f"mkdocs {arguments[0]} has no option {argument}")


def _sed(arguments: list[str], place: Place) -> None:
    _, file, *_ = (each for each in arguments if not each.startswith("-"))  # the script comes first
    place.expect((place.folder / file).is_file(), f"no file is called {file}")


def _aws(arguments: list[str], place: Place) -> None:
    """Look an AWS CLI command up in the API's own description."""
    service, operation, *rest = arguments
    service = {"deploy": "codedeploy", "s3api": "s3"}.get(service, service)
    description = botocore.loaders.create_loader().load_service_model(service, "service-2")
    model = botocore.model.ServiceModel(description)
    known = {xform_name(name, "-"): name for name in model.operation_names}
    place.expect(operation in known, f"aws {service} has no operation {operation}")
    if operation in known:
        shape = model.operation_model(known[operation]).input_shape
        members = shape.members if shape else ()
        options = {f"--{xform_name(name, '-')}" for name in members} | _AWS_GLOBALS
        for argument in rest:
            unknown = argument.startswith("--") and argument not in options
            place.expect(not unknown, f"aws {service} {operation} has no option {argument}")


_PROGRAMS: dict[str, Callable[[list[str], Place], None]] = {
    "aws": _aws,
    "cd": _cd,
    "checkov": _checkov,
    "coverage": _coverage,
    "export": _export,
    "harness": _harness,
    "mkdocs": _mkdocs,
    "nox": _nox,
    "pip": _pip,
    "pytest": _pytest,
    "python": _python,
    "python3": _python,
    "sed": _sed,
    "terraform": _terraform,
    "tflocal": _terraform,
    "tofu": _terraform,
    "uv": _uv,
}
