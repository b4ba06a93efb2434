"""Measure how long an apply takes: the development stack beside the original's 18 resources, in one run.

`python -m benchmarks.apply` does so alone, and writes the figures beside those of the other benchmarks.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.report import merge
from harness import Settings, backends
from harness.base.isolation import environ_for
from harness.terraform.commands import prepared

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUNDS = 3
ORIGINAL = Path(__file__).with_name("original")

log = logging.getLogger(__name__)


class Applied(NamedTuple):
    """How long `terraform apply` took on fresh emulators.

    Attributes:
        stack: Which root.
        resources: How many resources it has.
        seconds: The duration of each round.
        median_seconds: The median of the rounds.
        ratio: The median, as a multiple of the first stack's.
    """

    stack: str
    resources: int
    seconds: tuple[float, ...]
    median_seconds: float
    ratio: float


def main(argv: Sequence[str] | None = None) -> None:
    """Run this benchmark alone."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.apply", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="applies of each stack")
    parser.add_argument("--package", type=Path, default=Path("build/s3_lambda_api.zip"))
    parser.add_argument("--output", type=Path, default=Path("docs"))
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    measured = measure_applies(options.package, options.rounds)
    merge(options.output, applies=[one._asdict() for one in measured])


def measure_applies(package: Path, rounds: int) -> list[Applied]:
    """Apply both stacks in turn, the original's first, each time on a fresh emulator."""
    settings = Settings.from_env(os.environ)
    stacks = {"original": replace(settings, terraform_dir=ORIGINAL, variables={}), "this": settings}
    applies = [
        {name: _applied(one, package.resolve()) for name, one in stacks.items()} for _ in range(rounds)
    ]
    medians = {name: statistics.median(turn[name][0] for turn in applies) for name in stacks}
    return [
        Applied(
            stack=name,
            resources=applies[0][name][1],
            seconds=tuple(round(turn[name][0], 1) for turn in applies),
            median_seconds=round(medians[name], 1),
            ratio=round(medians[name] / medians["original"], 2),
        )
        for name in stacks
    ]


def _applied(settings: Settings, package: Path) -> tuple[float, int]:
    """Apply a root on an emulator of its own, and return its seconds and its number of resources."""
    with (
        backends.started(settings) as endpoint,
        prepared(
            settings, environ_for(endpoint, settings.environ), {"lambda_zip": str(package)}
        ) as terraform,
    ):
        begun = time.monotonic()
        terraform.apply()
        seconds = time.monotonic() - begun
        log.info("apply of %s: %.1f s", settings.terraform_dir, seconds)
        return seconds, len(terraform.resources())


if __name__ == "__main__":
    main()
