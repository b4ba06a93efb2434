"""Draw what was measured."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING

from matplotlib import rc_context
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks.reads import Measured

__all__ = ["draw"]


def draw(measured: Sequence[Measured], output: Path) -> None:
    """Draw time and calls of each design over the number of objects, as SVG."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    times, calls = figure.subplots(1, 2)
    _draw_one(times, measured, lambda one: one.p50_ms, "p50 in ms")
    _draw_one(calls, measured, lambda one: nan if one.calls is None else one.calls, "calls to S3 a read")
    times.legend(title="hollow: a wrong answer")
    with rc_context({"svg.hashsalt": "s3_lambda_api"}):  # the same picture from the same numbers
        figure.savefig(output, metadata={"Date": None})


def _draw_one(
    axes: Axes, measured: Sequence[Measured], value: Callable[[Measured], float], label: str
) -> None:
    for design in dict.fromkeys(one.design for one in measured):
        rows = [one for one in measured if one.design == design]
        (line,) = axes.plot([row.objects for row in rows], [value(row) for row in rows], label=design)
        for row in rows:
            face = line.get_color() if row.right else "white"
            axes.plot(row.objects, value(row), "o", color=line.get_color(), markerfacecolor=face)
    axes.set(xscale="log", yscale="log", xlabel="objects in the bucket", ylabel=label)
    axes.grid(visible=True, which="major", alpha=0.3)
