"""Measure a cold start: import and init of the functions as they are shipped, beside the plainest handler."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import boto3

__all__ = ["ColdStart", "measure_cold_starts"]

_PLAIN = 'import boto3\nclient = boto3.client("s3")\ndef handler(event, context): ...\n'
_PROBE = """
import sys, time
sys.path[:0] = {path!r}
wall, cpu = time.perf_counter(), time.process_time()
import {module}
print(time.perf_counter() - wall, time.process_time() - cpu)
"""
_ENVIRON = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-north-1",
    "BUCKET_NAME": "benchmark",
    "KMS_KEY_ARN": "arn:aws:kms:eu-north-1:000000000000:key/00000000-0000-0000-0000-000000000000",
    "SCHEDULE_INTERVAL_SECONDS": "600",
    "PYTHONDONTWRITEBYTECODE": "1",  # the directory of a function cannot be written to
}


class ColdStart(NamedTuple):
    """Cold starts of one handler, medians in milliseconds.

    Attributes:
        handler: Which one.
        wall_ms: Time on the clock.
        cpu_ms: Processor time, which other work on the machine disturbs less.
        wall_ratio: Time on the clock, as a multiple of the plain handler's.
        cpu_ratio: Processor time, likewise.
    """

    handler: str
    wall_ms: float
    cpu_ms: float
    wall_ratio: float
    cpu_ratio: float


def measure_cold_starts(package: Path, rounds: int) -> list[ColdStart]:
    """Start each handler so many times, in turn, in a process of its own.

    boto3 comes from this environment, with its bytecode, as from the Lambda runtime. The functions come
    from the zip as it is.
    """
    with tempfile.TemporaryDirectory() as directory:
        unpacked = Path(directory) / "package"
        zipfile.ZipFile(package).extractall(unpacked)
        (unpacked / "plain_handler.py").write_text(_PLAIN)
        modules = ("plain_handler", "s3_lambda_api.reader", "s3_lambda_api.writer")
        starts = [[_start(unpacked, module) for module in modules] for _ in range(rounds)]
    return _compared(modules, starts)


def _start(unpacked: Path, module: str) -> tuple[float, float]:
    """Import a module in a new process, and return wall and processor time in milliseconds."""
    runtime = str(Path(boto3.__file__).parents[1])
    code = _PROBE.format(path=[str(unpacked), runtime], module=module)
    answer = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-S", "-c", code],
        env={**_ENVIRON, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    wall, cpu = (float(number) * 1000 for number in answer.stdout.split())
    return wall, cpu


def _compared(modules: tuple[str, ...], starts: list[list[tuple[float, float]]]) -> list[ColdStart]:
    medians = [
        (
            statistics.median(one[index][0] for one in starts),
            statistics.median(one[index][1] for one in starts),
        )
        for index in range(len(modules))
    ]
    plain_wall, plain_cpu = medians[0]
    return [
        ColdStart(
            module, round(wall, 1), round(cpu, 1), round(wall / plain_wall, 3), round(cpu / plain_cpu, 3)
        )
        for module, (wall, cpu) in zip(modules, medians, strict=True)
    ]
