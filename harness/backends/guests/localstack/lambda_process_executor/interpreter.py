"""The Python that runs functions, and whether it fits a function's runtime."""

import functools
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROBE = """
import importlib.util, json, sys
found = [name for name in ("awslambdaric", "boto3") if importlib.util.find_spec(name)]
print(json.dumps({"version": "%d.%d" % sys.version_info[:2], "found": found}))
"""
PROBE_SECONDS = 60
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


class RuntimeMismatchError(Exception):
    """The function's runtime is not the interpreter's.

    Attributes:
        expected: the one runtime that can run.
        actual: what the function asks for.
    """

    def __init__(self, function: str, expected: "Interpreter", actual: str) -> None:
        super().__init__(
            f"function {function}: expected runtime {expected.runtime}, which is that of {expected.path}, "
            f"but it has {actual}. Set the function's runtime to {expected.runtime}, "
            f"or LAMBDA_PROCESS_PYTHON to an interpreter for {actual} where there is one, "
            "or LAMBDA_RUNTIME_EXECUTOR=docker."
        )
        self.expected = expected.runtime
        self.actual = actual


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python that has what functions need. `version` is like `3.13`."""

    path: str
    version: str

    @property
    def runtime(self) -> str:
        """Lambda's name of this Python, like `python3.13`."""
        return f"python{self.version}"

    def check(self, function: str, runtime: str | None, package_type: str) -> None:
        """Pass if this interpreter can run the function.

        Raises:
            RuntimeMismatchError: it can't.
        """
        if package_type != "Zip":
            raise RuntimeMismatchError(function, self, f"package type {package_type}")
        if runtime != self.runtime:
            raise RuntimeMismatchError(function, self, f"runtime {runtime}")


@functools.cache
def probe(path: str) -> Interpreter:
    """Ask the Python at `path` what it is.

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


def compile_tree(path: str, tree: Path) -> None:
    """Compile the sources in `tree` with the Python at `path`, which can't be done once `tree` is read-only.

    Sources that don't compile are left for the function to fail on.
    """
    argv = [path, "-I", "-m", "compileall", "-qq", "--invalidation-mode", "unchecked-hash", str(tree)]
    subprocess.run(argv, capture_output=True, check=False)  # noqa: S603
