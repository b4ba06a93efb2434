"""Measure everything in one run, and write the results into a directory.

`python -m benchmarks.table` prints the sentences of the documentation about them.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.apply import ROUNDS, measure_applies
from benchmarks.coldstart import measure_cold_starts
from benchmarks.plot import draw
from benchmarks.reads import Measured, measure_reads
from benchmarks.report import merge
from harness import Endpoint, Settings, backends

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZES = (10, 1_000, 10_000, 100_000)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    options = _options(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    starts = measure_cold_starts(options.package, options.rounds)
    with ExitStack() as resources:
        measured = measure_reads(_endpoint(options.endpoint, resources), options.sizes, options.package)
    applies = measure_applies(options.package, options.applies)
    merge(
        options.output,
        python=platform.python_version(),
        zip_bytes=options.package.stat().st_size,
        cold_starts=[start._asdict() for start in starts],
        reads=[one._asdict() for one in measured],
        p50_growth=_growth(measured),
        applies=[one._asdict() for one in applies],
    )
    draw(measured, options.output / "benchmark.svg")


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--endpoint", metavar="URL", help="an emulator that runs already")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="OBJECTS")
    parser.add_argument("--rounds", type=int, default=21, help="cold starts of each handler")
    parser.add_argument("--applies", type=int, default=ROUNDS, help="applies of each stack")
    parser.add_argument("--package", type=Path, default=Path("build/s3_lambda_api.zip"))
    parser.add_argument("--output", type=Path, default=Path("docs"))
    options = parser.parse_args(argv)
    if not options.package.is_file():
        parser.error(f"{options.package} is not there: build it with `uv run harness package`")
    return options


def _endpoint(url: str | None, resources: ExitStack) -> Endpoint:
    if url:
        return Endpoint(backend="external", url=url, region="eu-north-1")
    settings = Settings.from_env(os.environ, Path.cwd())
    return resources.enter_context(backends.started(settings))


def _growth(measured: Sequence[Measured]) -> dict[str, float]:
    """How many times slower each design is in the fullest bucket than in the emptiest."""
    first: dict[str, float] = {}
    last: dict[str, float] = {}
    for one in measured:
        first.setdefault(one.design, one.p50_ms)
        last[one.design] = one.p50_ms
    return {design: round(last[design] / first[design], 2) for design in first}


if __name__ == "__main__":
    main()
