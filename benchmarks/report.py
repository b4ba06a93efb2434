"""The figures of all benchmarks: one JSON file, to which each run adds its own parts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def merge(folder: Path, **parts: object) -> None:
    """Write `parts` into `benchmark.json` of `folder`. Everything else in it stays."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "benchmark.json"
    report = json.loads(file.read_text("utf-8")) if file.exists() else {}
    file.write_text(json.dumps({**report, **parts}, indent=2) + "\n", "utf-8")
