"""Lambda's runtimes: the command for a function of each, and its requirements."""

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, Self

from lambda_process_executor.environment import WRAPPER
from lambda_process_executor.executables import shell_of, why_not_runnable
from lambda_process_executor.toolchains import (
    NoToolchainError,
    Toolchain,
    UnfitInterpreterError,
    toolchain,
)
from lambda_process_executor.view import ON_LAMBDA, View

CLIENTS = Path(__file__).with_name("clients")
BOOTSTRAP = "bootstrap"
NODE_OPTIONS = "NODE_OPTIONS"
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html#nodejs-experimental-features
_SWITCHED_OFF = {
    "20": ("experimental-require-module",),
    "22": ("experimental-require-module", "experimental-detect-module"),
}
ELSEWHERE = "use the backend `container` with HARNESS_LAMBDA_EXECUTOR=docker"


class RefusedError(Exception):
    """The function can't run. The message gives the reason and the remedy."""

    def __init__(self, function: str, reason: str) -> None:
        super().__init__(f"function {function}: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The command for a function.

    Attributes:
        argv: program and arguments.
        variables: the runtime's additions to the function's environment. The function's own variables
            override them.
        has_log_frames: whether it writes its log in frames.
        packages: directory of modules that are to be found at /var/node_modules.
        kept: directories of this machine that it needs.
        takes_tools: whether a tool can run in its process, which also notices what it reads.
        switched_off: features of Node.js that Lambda switches off unless NODE_OPTIONS asks for them.
    """

    argv: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    has_log_frames: bool = False
    packages: Path | None = None
    kept: tuple[Path, ...] = ()
    takes_tools: bool = False
    switched_off: tuple[str, ...] = ()

    def suited_to(self, own: Mapping[str, str]) -> Self:
        """Return this command as the function's own variables have it: with their wrapper and options.

        https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html#runtime-wrapper
        """
        asked = own.get(NODE_OPTIONS, "")
        options = [f"--no-{name}" for name in self.switched_off if f"--{name}" not in asked]
        wrapper = [own[WRAPPER]] if own.get(WRAPPER) and self.has_log_frames else []
        return replace(self, argv=(*wrapper, self.argv[0], *options, *self.argv[1:]))


class Runtime(Protocol):
    """How functions of one runtime are run."""

    def finish(self, tree: Path, seen_at: Path) -> None:
        """Finish unpacked code before it becomes read-only."""

    def problem(self, code: Path, layers: Path) -> str:
        """Return the reason why this code can't run here, or an empty text."""

    def command(self, handler: str, view: View, code: Path) -> Command:
        """Return the command for the code in a directory of this machine."""


@dataclass(frozen=True, slots=True)
class Python:
    """A Python of the function's version, with awslambdaric and boto3."""

    version: str
    tools: Toolchain

    def finish(self, tree: Path, seen_at: Path) -> None:
        """Compile the sources. If one does not compile, the function will fail on it."""
        options = ["-qq", "--invalidation-mode", "unchecked-hash", "-d", str(seen_at)]
        argv = [str(self.tools.program), "-I", "-m", "compileall", *options, str(tree)]
        subprocess.run(argv, capture_output=True, check=False)  # noqa: S603

    def problem(self, code: Path, layers: Path) -> str:  # noqa: ARG002
        """Return an empty text. awslambdaric reports the problems of a function."""
        return ""

    def command(self, handler: str, view: View, code: Path) -> Command:  # noqa: ARG002
        """Return awslambdaric's start."""
        modules = view.layers / "python"
        path = [view.code, modules / "lib" / f"python{self.version}" / "site-packages", modules]
        return Command(
            argv=(str(self.tools.program), "-s", str(CLIENTS / "python.py"), handler, *map(str, path)),
            has_log_frames=True,
            kept=(CLIENTS, *homes(self.tools.program)),
            takes_tools=True,
        )


@dataclass(frozen=True, slots=True)
class NodeJs:
    """Node.js of the function's version, with aws-lambda-ric and the AWS SDK."""

    major: str
    tools: Toolchain

    def finish(self, tree: Path, seen_at: Path) -> None:
        """Do nothing."""

    def problem(self, code: Path, layers: Path) -> str:  # noqa: ARG002
        """Return an empty text. aws-lambda-ric reports the problems of a function."""
        return ""

    def command(self, handler: str, view: View, code: Path) -> Command:  # noqa: ARG002
        """Return aws-lambda-ric's start, which takes the handler from the environment."""
        modules = view.layers / "nodejs"
        path = [modules / f"node{self.major}" / "node_modules", modules / "node_modules"]
        client, packages = self.tools.client, self.tools.packages
        if packages and view != ON_LAMBDA:
            path.append(packages)
        start = ["--require", CLIENTS / "nodejs.cjs", CLIENTS / "nodejs.mjs", client]
        return Command(
            argv=(str(self.tools.program), *map(str, start)),
            variables={"NODE_PATH": ":".join(map(str, path))},
            has_log_frames=True,
            packages=packages,
            switched_off=_SWITCHED_OFF.get(self.major, ()),
            kept=(CLIENTS, *homes(self.tools.program), *(path.parent for path in (client, packages) if path)),
            takes_tools=True,
        )


@dataclass(frozen=True, slots=True)
class Provided:
    """The function's own `bootstrap`, which speaks the Runtime API itself."""

    def finish(self, tree: Path, seen_at: Path) -> None:
        """Do nothing."""

    def problem(self, code: Path, layers: Path) -> str:
        """Return why its bootstrap can't run on this machine."""
        for program in (code / BOOTSTRAP, layers / BOOTSTRAP):
            if program.is_file():
                return why_not_runnable(program)
        return f"expected an executable `{BOOTSTRAP}` at the top of its zip or of a layer, found none"

    def command(self, handler: str, view: View, code: Path) -> Command:  # noqa: ARG002
        """Return the bootstrap of the code, or else of a layer, as Lambda looks for it."""
        own = code / BOOTSTRAP
        if own.is_file():
            return Command(argv=(*shell_of(own), str(view.code / BOOTSTRAP)))
        return Command(argv=(str(view.layers / BOOTSTRAP),))


def homes(program: Path) -> tuple[Path, ...]:
    """Return the directories that a program's files lie in: its environment's, and its own."""
    return program.parent.parent, program.resolve().parent.parent


def _python(runtime: str) -> Runtime:
    return Python(runtime.removeprefix("python"), toolchain(runtime))


def _nodejs(runtime: str) -> Runtime:
    return NodeJs(runtime.removeprefix("nodejs").removesuffix(".x"), toolchain(runtime))


def _provided(_runtime: str) -> Runtime:
    return Provided()


MAKERS: Mapping[str, Callable[[str], Runtime]] = {
    r"python3\.\d+": _python,
    r"nodejs\d+\.x": _nodejs,
    r"provided(\.al2|\.al2023)?": _provided,
}


def refusal(runtime: str | None, package_type: str) -> str:
    """Return the reason why functions of a runtime can't run as processes at all, or an empty text."""
    if package_type != "Zip":
        return f"package type {package_type} can't run without Docker; {ELSEWHERE}"
    if any(re.fullmatch(pattern, runtime or "") for pattern in MAKERS):
        return ""
    return (
        f"runtime {runtime} can't run without Docker (only Python, Node.js and `provided` can); {ELSEWHERE}"
    )


def layers_refusal(missing: Sequence[str]) -> str:
    """Return the reason why layers of other accounts, by their ARNs, can't be used, and the remedy."""
    return (
        f"the layer {', '.join(missing)} is another account's and is not fetched from AWS; give the "
        "function a layer of its own stack (aws_lambda_layer_version), or put the files into its zip"
    )


def runtime_of(function: str, runtime: str | None, package_type: str) -> Runtime:
    """Return how a function is run.

    Raises:
        RefusedError: it can't run.
    """
    if reason := refusal(runtime, package_type):
        raise RefusedError(function, reason)
    name = runtime or ""
    make = next(make for pattern, make in MAKERS.items() if re.fullmatch(pattern, name))
    try:
        return make(name)
    except (NoToolchainError, UnfitInterpreterError) as error:
        raise RefusedError(function, f"its runtime {name} can't be had: {error}") from error
