"""Measure the invocations of functions: the first one of a new environment, and those that follow.

`python -m benchmarks.functions --backend=ministack` creates a function of each runtime that this machine can
run, and prints a row for each.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import sys
import time
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from harness import Settings, backends, eventually
from harness.aws import clients
from harness.errors import MissingToolError
from harness.functions import runtimes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness import Endpoint

__all__ = ["Invocations", "measure_invocations"]

PYTHON = {"app.py": "def handler(event, context):\n    return event\n"}
NODE_JS = {"app.mjs": "export const handler = async (event) => event;\n"}
RUNTIMES = (
    *(f"python3.{minor}" for minor in range(9, 15)),
    *(f"nodejs{major}.x" for major in (18, 20, 22, 24)),
    "provided.al2023",
)
# As in https://docs.aws.amazon.com/lambda/latest/dg/runtimes-walkthrough.html
SHELL = {
    "bootstrap": """#!/bin/sh
next="http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation"
headers="$TMPDIR/headers"
while true
do
  event=$(curl -sS -LD "$headers" "$next/next")
  id=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$headers" | tr -d '[:space:]' | cut -d: -f2)
  curl -sS "$next/$id/response" -d "$event"
done
"""
}
FILES = {"python": PYTHON, "nodejs": NODE_JS, "provided": SHELL}


class Invocations(NamedTuple):
    """The times of one runtime's invocations as a client sees them: medians in milliseconds.

    Attributes:
        backend: Where the function ran.
        runtime: Its runtime.
        cold_ms: An invocation that starts the function's process.
        warm_ms: One that finds it waiting.
    """

    backend: str
    runtime: str
    cold_ms: float
    warm_ms: float


def measure_invocations(backend: str, starts: int) -> list[Invocations]:
    """Start the process of each runtime so many times, and invoke each process ten times more."""
    settings = replace(Settings.from_env(os.environ, Path.cwd()), backend=backend)
    with backends.started(settings) as endpoint:
        return [_measured(endpoint, runtime, starts) for runtime in _present(settings)]


def _present(settings: Settings) -> Iterator[str]:
    """Yield the runtimes that this machine has or can get."""
    for runtime in RUNTIMES:
        with suppress(MissingToolError):
            if not runtime.startswith("provided"):
                runtimes.prepare(settings, runtime)
            yield runtime


def _measured(endpoint: Endpoint, runtime: str, starts: int) -> Invocations:
    client = clients.client(endpoint, "lambda")
    name = f"benchmark-{runtime.replace('.', '-')}"
    created = client.create_function(
        FunctionName=name,
        Runtime=runtime,
        Handler="app.handler",
        Role=_role(endpoint, name),
        Code={"ZipFile": _zip(runtime)},
        MemorySize=512,
    )
    _wait(client, name)
    cold, warm = [], []
    for start in range(starts):
        client.update_function_configuration(
            FunctionName=created["FunctionName"], Environment={"Variables": {"START": str(start)}}
        )
        _wait(client, name)
        cold.append(_invoke(client, name))
        warm += [_invoke(client, name) for _ in range(10)]
    client.delete_function(FunctionName=name)
    return Invocations(
        endpoint.backend, runtime, round(statistics.median(cold), 1), round(statistics.median(warm), 1)
    )


def _role(endpoint: Endpoint, name: str) -> str:
    lambda_may = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"},
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [lambda_may]})
    role = clients.client(endpoint, "iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
    return str(role["Arn"])


def _zip(runtime: str) -> bytes:
    files = next(files for family, files in FILES.items() if runtime.startswith(family))
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o755 << 16
            archive.writestr(info, text)
    return data.getvalue()


def _wait(client: Any, name: str) -> None:  # noqa: ANN401 - a boto3 client
    eventually(
        lambda: client.get_function_configuration(FunctionName=name),
        until=lambda seen: seen["State"] != "Pending" and seen["LastUpdateStatus"] != "InProgress",
        what=f"{name} to be ready",
    )


def _invoke(client: Any, name: str) -> float:  # noqa: ANN401 - a boto3 client
    begun = time.perf_counter()
    answer = client.invoke(FunctionName=name, Payload=b'{"n": 1}')
    took = (time.perf_counter() - begun) * 1000
    if json.loads(answer["Payload"].read()) != {"n": 1} or answer.get("FunctionError"):
        raise RuntimeError(f"{name} did not answer with its event")
    return took


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmark, and print its figures as a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.functions", description=__doc__)
    parser.add_argument("--backend", default="ministack")
    parser.add_argument("--starts", type=int, default=11, help="processes of each runtime")
    options = parser.parse_args(argv)
    rows = [
        f"| `{one.runtime}` | {one.cold_ms:.0f} ms | {one.warm_ms:.1f} ms |\n"
        for one in measure_invocations(options.backend, options.starts)
    ]
    sys.stdout.writelines(["| runtime | cold | warm |\n", "|---|--:|--:|\n", *rows])


if __name__ == "__main__":
    main()
