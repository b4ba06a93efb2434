"""The programs that run functions: which there are, and whether they fit."""

import functools
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

PROBE = """
import importlib.util, json, sys
found = [name for name in ("awslambdaric", "boto3") if importlib.util.find_spec(name)]
print(json.dumps({"version": "%d.%d" % sys.version_info[:2], "found": found}))
"""
PROBE_SECONDS = 60
PREPARE_SECONDS = 1800
NEEDED = ("awslambdaric", "boto3")


class UnfitInterpreterError(Exception):
    """The interpreter can't run any function.

    Attributes:
        python: its path.
    """

    def __init__(self, python: str, problem: str) -> None:
        super().__init__(
            f"expected a Python that has {' and '.join(NEEDED)} to run Lambda functions, "
            f"but {python} {problem}. Set LAMBDA_PROCESS_PYTHON to one that has, and start LocalStack again."
        )
        self.python = python


class NoToolchainError(Exception):
    """There is no program for a runtime, and none can be installed. The message gives the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """The program and packages for the functions of one runtime.

    Attributes:
        program: the interpreter.
        packages: directory of the modules that functions find beside their own, if it isn't the program's.
        client: the module of AWS's runtime client, if it isn't among the program's.
    """

    program: Path
    packages: Path | None = None
    client: Path | None = None


def toolchain(runtime: str) -> Toolchain:
    """Return the toolchain of a runtime such as `python3.13`, and prepare it if necessary.

    Raises:
        NoToolchainError: there is none.
        UnfitInterpreterError: the configured interpreter can't run Python functions.
    """
    source = os.environ.get("LAMBDA_PROCESS_RUNTIMES")
    if source and "LAMBDA_PROCESS_PYTHON" not in os.environ:
        return _ask(source, runtime)
    own = interpreter()
    if runtime == own.runtime:
        return Toolchain(program=Path(own.path))
    if source is None:
        raise NoToolchainError(
            f"functions run on {own.runtime} here. Set the function's runtime to {own.runtime}, or use the "
            "backend `host`, or the backend `container` with HARNESS_LAMBDA_EXECUTOR=docker."
        )
    return _ask(source, runtime)


@functools.cache
def _ask(source: str, runtime: str) -> Toolchain:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{source}/{runtime}", timeout=PREPARE_SECONDS) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            raise NoToolchainError(error.read().decode()) from None
    except OSError as error:
        raise NoToolchainError(f"nobody prepares it at {source} ({error})") from error
    return Toolchain(**{name: path and Path(path) for name, path in found.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python with the packages that functions need. `version` is like `3.13`."""

    path: str
    version: str

    @property
    def runtime(self) -> str:
        """Lambda's name of this Python, like `python3.13`."""
        return f"python{self.version}"


def interpreter() -> Interpreter:
    """Return the configured Python.

    Raises:
        UnfitInterpreterError: it can't run functions.
    """
    return probe(os.environ.get("LAMBDA_PROCESS_PYTHON") or sys.executable)


@functools.cache
def probe(path: str) -> Interpreter:
    """Return version and packages of the Python at `path`.

    Raises:
        UnfitInterpreterError: it does not start, or lacks a package.
    """
    answer = json.loads(_run_probe(path))
    missing = [name for name in NEEDED if name not in answer["found"]]
    if missing:
        raise UnfitInterpreterError(path, f"lacks {' and '.join(missing)}")
    return Interpreter(path=path, version=answer["version"])


def _run_probe(path: str) -> str:
    argv = [path, "-I", "-c", PROBE]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnfitInterpreterError(path, f"does not start ({error})") from error
    if done.returncode:
        raise UnfitInterpreterError(path, f"fails ({done.stderr.strip()[-300:]})")
    return done.stdout
