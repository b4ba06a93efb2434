"""Measure the inner loop: from the save of a handler's source to the first invocation that runs it.

`python -m benchmarks.reload --backend=ministack` runs `harness watch --hot` on a project of two functions,
one in Python and one in Node.js, edits each so many times, and prints a row for each.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness import Settings
from harness.lifetimes.kept import KeptStack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness import Deployment

__all__ = ["Reload", "measure_reloads"]

PROJECT = """
[tool.harness]
terraform-dir = "terraform"
[tool.harness.package.python]
source = "app"
output = "python.zip"
[tool.harness.package.nodejs]
kind = "nodejs"
source = "js"
output = "nodejs.zip"
"""
ROLE = """
resource "aws_iam_role" "f" {
  name               = "reload"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}
"""
FUNCTION = """
variable "{name}_zip" {{
  type = string
}}
resource "aws_lambda_function" "{name}" {{
  function_name = "reload-{name}"
  filename      = var.{name}_zip
  role          = aws_iam_role.f.arn
  handler       = "{handler}"
  runtime       = "{runtime}"
}}
"""
MANIFEST = {"name": "reload", "version": "1.0.0"}
LOCK = {**MANIFEST, "lockfileVersion": 3, "packages": {"": MANIFEST}}
TIMEOUT = 600.0  # seconds


class Function(NamedTuple):
    """A function that is edited."""

    name: str
    runtime: str
    handler: str
    file: str
    source: str


FUNCTIONS = (
    Function(
        "python", "python3.13", "app.handler", "app/__init__.py", "def handler(event, context): return {0}\n"
    ),
    Function(
        "nodejs", "nodejs22.x", "index.handler", "js/index.mjs", "export const handler = async () => {0};\n"
    ),
)


class Reload(NamedTuple):
    """How long edits of one function took to have an effect, in milliseconds.

    Attributes:
        backend: Where the function ran.
        runtime: Its runtime.
        p50_ms: From the save to the begin of the first invocation that ran what was saved: the median.
        p95_ms: The 95th percentile.
        answer_p50_ms: From the save to that invocation's answer: the median.
    """

    backend: str
    runtime: str
    p50_ms: float
    p95_ms: float
    answer_p50_ms: float


def measure_reloads(backend: str, edits: int) -> list[Reload]:
    """Edit each function so many times where `harness watch --hot` runs."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        _write(project)
        with _watched(project, backend) as stack:
            return [_measured(stack, project, function, edits) for function in FUNCTIONS]


def _write(project: Path) -> None:
    root = "".join(
        FUNCTION.format(name=each.name, handler=each.handler, runtime=each.runtime) for each in FUNCTIONS
    )
    texts = {each.file: each.source.format(0) for each in FUNCTIONS}
    texts |= {"pyproject.toml": PROJECT, "terraform/main.tf": ROLE + root}
    texts |= {"js/package.json": json.dumps(MANIFEST), "js/package-lock.json": json.dumps(LOCK)}
    for name, text in texts.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, "utf-8")


@contextmanager
def _watched(project: Path, backend: str) -> Iterator[Deployment]:
    """Run `harness watch --hot` while the context is open, and stop all of it afterwards."""
    harness = [sys.executable, "-c", "from harness.cli import run; run()", f"--backend={backend}"]
    watch = subprocess.Popen(  # noqa: S603 - our own interpreter
        [*harness, "watch", "--hot"], cwd=project, stderr=subprocess.PIPE, text=True
    )
    try:
        for line in watch.stderr or ():
            sys.stderr.write(line)
            if line.startswith("hot: "):
                break
        settings = replace(Settings.from_env(os.environ, project), backend=backend)
        yield KeptStack.of(settings).running()
    finally:
        watch.terminate()
        watch.wait(TIMEOUT)
        subprocess.run([*harness, "down"], cwd=project, check=True)  # noqa: S603


def _measured(stack: Deployment, project: Path, function: Function, edits: int) -> Reload:
    invoked = stack.function(f"aws_lambda_function.{function.name}")
    begun: list[float] = []
    answered: list[float] = []
    for number in range(1, edits + 1):
        invoked.invoke()  # it is warm, as while somebody works on it
        saved = time.monotonic()
        (project / function.file).write_text(function.source.format(number), "utf-8")
        while True:
            begin = time.monotonic()
            if invoked.invoke().payload == number:
                break
        begun.append((begin - saved) * 1000)
        answered.append((time.monotonic() - saved) * 1000)
    return Reload(
        backend=stack.endpoint.backend,
        runtime=function.runtime,
        p50_ms=round(statistics.median(begun)),
        p95_ms=round(statistics.quantiles(begun, n=20)[-1]),
        answer_p50_ms=round(statistics.median(answered)),
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Print a row of the table for each runtime."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default="ministack")
    parser.add_argument("--edits", type=int, default=40)
    options = parser.parse_args(argv)
    for row in measure_reloads(options.backend, options.edits):
        print(f"| {row.backend} | {row.runtime} | {row.p50_ms} | {row.p95_ms} | {row.answer_p50_ms} |")  # noqa: T201


if __name__ == "__main__":
    main()
