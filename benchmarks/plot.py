"""Draw the measurements."""

from __future__ import annotations

from math import isnan, nan
from typing import TYPE_CHECKING

from matplotlib import rc_context
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from benchmarks.reads import Measured

__all__ = ["draw"]

_INK = "#7d8590"  # can be read on white and on black
_NEAR = 0.3  # of one another: names would lie upon each other
_OWN = "this design"  # drawn last and thick, as its line may be hidden by others


def draw(measured: Sequence[Measured], output: Path) -> None:
    """Draw time and calls of each design over the number of objects, as SVG without a background."""
    with rc_context(
        {
            "axes.edgecolor": _INK,
            "axes.labelcolor": _INK,
            "font.size": 12,
            "grid.color": _INK,
            "svg.hashsalt": "s3_lambda_api",  # the same picture from the same numbers
            "text.color": _INK,
            "xtick.color": _INK,
            "ytick.color": _INK,
        }
    ):
        figure = Figure(figsize=(12, 5), layout="constrained")
        times, calls = figure.subplots(1, 2)
        _draw_one(times, measured, lambda one: one.p50_ms, "p50 in ms")
        _draw_one(calls, measured, lambda one: nan if one.calls is None else one.calls, "calls to S3 a read")
        times.set_title("hollow: a wrong answer", fontsize=12)
        figure.savefig(output, metadata={"Date": None}, transparent=True)


def _draw_one(
    axes: Axes, measured: Sequence[Measured], value: Callable[[Measured], float], label: str
) -> None:
    designs = sorted({one.design for one in measured}, key=lambda name: (name == _OWN, name))
    taken: list[float] = []
    for number, design in enumerate(designs):
        rows = [one for one in measured if one.design == design]
        width = 4 if design == _OWN else 1.5
        (line,) = axes.plot(
            [row.objects for row in rows], [value(row) for row in rows], linewidth=width, color=f"C{number}"
        )
        for row in rows:
            face = line.get_color() if row.right else "white"
            axes.plot(row.objects, value(row), "o", color=line.get_color(), markerfacecolor=face)
        _name(axes, f"{design}: {_number(value(rows[-1]))}", (rows[-1].objects, value(rows[-1])), line, taken)
    axes.set(xscale="log", yscale="log", xlabel="objects in the bucket", ylabel=label)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:,.0f}")
    axes.margins(x=0.05, y=0.15)
    axes.grid(visible=True, which="major", alpha=0.3)


def _name(axes: Axes, text: str, end: tuple[float, float], line: Line2D, taken: list[float]) -> None:
    """Write a line's name and last value above its end, and above another line that ends there."""
    if not isnan(end[1]):
        above = 8 + 15 * sum(abs(other / end[1] - 1) < _NEAR for other in taken)
        axes.annotate(text, end, (0, above), textcoords="offset points", ha="right", color=line.get_color())
        taken.append(end[1])


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits
