"""Measure the time that a snapshot saves: the same stack applied and restored in turn, on each backend.

`python -m benchmarks.snapshots` prints the medians of the time from the start to the stack, and their ratio.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from harness import Settings, deployed

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUNDS = 3
log = logging.getLogger(__name__)
BACKENDS = ("ministack", "host", "localemu")


class Spared(NamedTuple):
    """The time that a snapshot saves.

    Attributes:
        backend: The backend.
        applied_seconds: The median of the time to a stack that is applied.
        restored_seconds: The median of the time to one that is restored.
        ratio: The second as a part of the first.
    """

    backend: str
    applied_seconds: float
    restored_seconds: float
    ratio: float


def main(argv: Sequence[str] | None = None) -> None:
    """Run this benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.snapshots", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="runs of each kind")
    parser.add_argument("--backend", action="append", help=f"one of {', '.join(BACKENDS)}; all by default")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    log.setLevel(logging.INFO)
    for backend in options.backend or BACKENDS:
        measured = measure(backend, options.rounds)
        log.info("%s", measured)


def measure(backend: str, rounds: int) -> Spared:
    """Apply and restore the stack of the settings in turn, on an emulator of its own each time."""
    settings = replace(Settings.from_env(os.environ), backend=backend)
    _seconds(settings)  # it leaves the snapshot, and whatever has to be installed
    turns = [(_seconds(replace(settings, snapshots=False)), _seconds(settings)) for _ in range(rounds)]
    applied, restored = (statistics.median(times) for times in zip(*turns, strict=True))
    return Spared(
        backend=backend,
        applied_seconds=round(applied, 1),
        restored_seconds=round(restored, 1),
        ratio=round(restored / applied, 2),
    )


def _seconds(settings: Settings) -> float:
    """Return how long it takes until the stack is there."""
    begun = time.monotonic()
    with deployed(settings):
        return time.monotonic() - begun


if __name__ == "__main__":
    main()
