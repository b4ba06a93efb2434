"""Measure what a snapshot saves: the same stack applied and restored in turn, on each backend.

`python -m benchmarks.snapshots` prints medians: of the time from the start to the stack, of the memory that
the emulator then has, and of the time to begin a test with an empty stack, or with it as it was applied.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import psutil

from harness import Settings, deployed
from harness.session import baseline_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROUNDS = 3
log = logging.getLogger(__name__)
BACKENDS = ("ministack", "host", "localemu")


class Start(NamedTuple):
    """A stack that was brought up.

    Attributes:
        seconds: How long that took.
        megabytes: The memory that the emulator and its functions then have to themselves.
    """

    seconds: float
    megabytes: float


class Reset(NamedTuple):
    """What a test can begin with, and how long each takes.

    Attributes:
        empty_seconds: Empty buckets, queues and tables.
        applied_seconds: Everything as it was applied.
    """

    empty_seconds: float
    applied_seconds: float


class Spared(NamedTuple):
    """What a snapshot saves. All values are medians.

    Attributes:
        backend: The backend.
        applied: A stack that is applied.
        restored: One that is restored.
        time_ratio: The time of the second as a part of that of the first.
        memory_ratio: The same of their memory.
        reset: What a test can begin with.
    """

    backend: str
    applied: Start
    restored: Start
    time_ratio: float
    memory_ratio: float
    reset: Reset


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
    _start(settings)  # it leaves the snapshot, and whatever has to be installed
    turns = [(_start(replace(settings, snapshots=False)), _start(settings)) for _ in range(rounds)]
    applied, restored = (_median(starts) for starts in zip(*turns, strict=True))
    return Spared(
        backend=backend,
        applied=applied,
        restored=restored,
        time_ratio=round(restored.seconds / applied.seconds, 2),
        memory_ratio=round(restored.megabytes / applied.megabytes, 2),
        reset=_reset(settings, rounds),
    )


def _start(settings: Settings) -> Start:
    begun = time.monotonic()
    with deployed(settings):
        seconds = time.monotonic() - begun
        children = psutil.Process().children(recursive=True)
        return Start(seconds, sum(child.memory_full_info().uss for child in children) / 2**20)


def _reset(settings: Settings, rounds: int) -> Reset:
    with deployed(settings) as stack:
        baseline = baseline_of(settings, stack)
        turns = [(_seconds(stack.reset), _seconds(baseline.restore)) for _ in range(rounds)]
    return Reset(*(round(statistics.median(each), 2) for each in zip(*turns, strict=True)))


def _seconds(reset: Callable[[], None]) -> float:
    begun = time.monotonic()
    reset()
    return time.monotonic() - begun


def _median(starts: Sequence[Start]) -> Start:
    seconds, megabytes = (round(statistics.median(each), 1) for each in zip(*starts, strict=True))
    return Start(seconds, megabytes)


if __name__ == "__main__":
    main()
