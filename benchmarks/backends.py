"""Measure how long each emulator takes to start, and the development stack to be applied on it, in one run.

`python -m benchmarks.backends` takes the emulators that can run here, or those that you name, such as
`host localemu`. `host` runs both versions of LocalStack. It prints a table: the medians, and their multiples
of the quickest.
"""
# ruff: noqa: T201 - a terminal program

from __future__ import annotations

import argparse
import logging
import os
import statistics
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from harness import Settings, backends, deployed_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_KNOWN = ("container", "host", "localemu", "ministack")
_ROUNDS = 3
_VERSIONS = ("4.14.0", "2026.3.0")

type Times = tuple[float, float]  # seconds until it is healthy, and for the apply


def main(argv: Sequence[str] | None = None) -> None:
    """Run this benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backends", description=__doc__)
    parser.add_argument("backends", nargs="*", default=list(_KNOWN), metavar="BACKEND")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="starts and applies of each")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING)
    chosen = dict(candidates(Settings.from_env(os.environ), options.backends))
    rounds = [{name: measured(each) for name, each in chosen.items()} for _ in range(options.rounds)]
    print(table({name: _medians([turn[name] for turn in rounds]) for name in chosen}))


def candidates(settings: Settings, names: Sequence[str]) -> Iterator[tuple[str, Settings]]:
    """Yield the settings for each named backend that can run here, by what its row is called."""
    for name in names:
        if not backends.load(name).examine(settings).ok:
            continue
        chosen = replace(settings, backend=name)
        if name != "host":
            yield name, chosen
            continue
        for version in _VERSIONS:
            yield f"host, LocalStack {version}", replace(chosen, localstack_version=version)


def measured(settings: Settings) -> Times:
    """Start the backend, apply the stack, and stop."""
    begun = time.perf_counter()
    with backends.started(settings) as endpoint:
        healthy = time.perf_counter()
        with deployed_at(settings, endpoint, destroy=False):
            return healthy - begun, time.perf_counter() - healthy


def table(medians: dict[str, Times]) -> str:
    """Return the medians as a table of Markdown."""
    quickest = [min(column) for column in zip(*medians.values(), strict=True)]
    rows = [
        [name, *(f"{own:.1f} s ({own / least:.1f}x)" for own, least in zip(times, quickest, strict=True))]
        for name, times in medians.items()
    ]
    cells = [["backend", "start", "apply"], ["---"] * 3, *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _medians(times: Sequence[Times]) -> Times:
    start, apply = (statistics.median(column) for column in zip(*times, strict=True))
    return start, apply


if __name__ == "__main__":
    main()
