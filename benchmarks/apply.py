"""Measure how long an apply takes: the development stack beside the original's 18 resources, in one run.

`python -m benchmarks.apply` prints the seconds of each round, and the ratio of the medians.
"""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness import PackageError, Settings, backends, package
from harness.isolation import pointed_at
from harness.terraform import prepared

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUNDS = 3
ORIGINAL = Path(__file__).with_name("original")


def main() -> None:
    """Run the benchmark."""
    settings = Settings.from_env(os.environ)
    if settings.package is None:
        raise PackageError(settings.project, "[tool.harness.package] describes no zip")
    zip_variable = {settings.package.variable: str(package.build(settings, settings.package))}
    original = replace(settings, terraform_dir=ORIGINAL, variables={})
    rounds = [
        (seconds_to_apply(original, zip_variable), seconds_to_apply(settings, zip_variable))
        for _ in range(ROUNDS)
    ]
    for before, after in rounds:
        print(f"original {before:5.1f} s    this {after:5.1f} s")  # noqa: T201 - it is what this is for
    medians = [statistics.median(column) for column in zip(*rounds, strict=True)]
    print(f"ratio of the medians: {medians[1] / medians[0]:.2f}")  # noqa: T201 - as above


def seconds_to_apply(settings: Settings, variables: Mapping[str, str]) -> float:
    """Apply a root on a fresh emulator of its own, and return the seconds that `terraform apply` took."""
    with (
        backends.load(settings.backend)(settings) as endpoint,
        prepared(settings, pointed_at(endpoint, settings.environ), variables) as terraform,
    ):
        begun = time.monotonic()
        terraform.apply()
        return time.monotonic() - begun


if __name__ == "__main__":
    main()
