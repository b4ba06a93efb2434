"""How long an API took to answer: a chart, and figures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.timeline import ticks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.aws.rest import Request

MOST_MARKS = 2000  # requests that the chart draws

_ENOUGH_FOR_P95 = 20
_MARGIN = 1.6  # a factor of the chart's scale, so that 1, 2 or 5 is always within it
_WIDE = 500  # as a factor: a scale with room for no more than powers of ten
_FASTEST = 0.0001  # seconds; the scale has to begin above 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of the requests of a kind: their number, and percentiles of their duration in seconds.

    With fewer than 20 requests there is no `p95`, because it would be the maximum.
    """

    name: str
    count: int
    p50: float
    p95: float | None
    longest: float


def figures(requests: Sequence[Request]) -> list[Figures]:
    """Return the figures of all `requests`, and of each class of status."""
    if not requests:
        return []
    kinds: dict[str, list[float]] = {}
    for each in requests:
        kinds.setdefault(status_class(each.status), []).append(each.seconds)
    overall = _figures("all", [each.seconds for each in requests])
    return [overall, *(_figures(name, kinds[name]) for name in sorted(kinds))]


def _figures(name: str, seconds: list[float]) -> Figures:
    p50, p95, longest = (percentile(seconds, share) for share in (0.5, 0.95, 1.0))
    is_enough = len(seconds) >= _ENOUGH_FOR_P95
    return Figures(name=name, count=len(seconds), p50=p50, p95=p95 if is_enough else None, longest=longest)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of `values` that at least `share` (0 to 1) of them do not exceed.

    It is one of the values (the nearest rank), never a mean of two that nobody measured.

    Raises:
        ValueError: There are no values.
    """
    if not values:
        raise ValueError("expected at least one value, got none")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def status_class(status: int) -> str:
    """Return the class of an HTTP status, such as `2xx`, or `no answer` for 0."""
    return f"{status // 100}xx" if status else "no answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A request on the chart. `left` and `top` are in percent."""

    request: Request
    left: float
    top: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Requests over time, on a logarithmic scale. Ticks and levels are in percent, with their seconds."""

    begun: float
    marks: Sequence[Mark]
    left_ticks: Sequence[tuple[float, float]]
    top_ticks: Sequence[tuple[float, float]]
    levels: Mapping[str, tuple[float, float]]
    total: int


def chart(requests: Sequence[Request]) -> Chart | None:
    """Return the chart of `requests`, which are sorted by start, or None if there are none."""
    if not requests:
        return None
    begun, last = requests[0].begun, requests[-1].begun
    seconds = max(last - begun, 0.01) * 1.02  # the last mark stands clear of the edge
    times = [max(each.seconds, _FASTEST) for each in requests]
    low, high = min(times) / _MARGIN, max(times) * _MARGIN

    def top(value: float) -> float:
        return 100 - 100 * math.log(max(value, low) / low) / math.log(high / low)

    marks = [
        Mark(request=each, left=100 * (each.begun - begun) / seconds, top=top(each.seconds))
        for each in sorted(_thin_out(requests), key=lambda each: status_class(each.status))
    ]
    (overall, *_) = figures(requests)
    return Chart(
        begun=begun,
        marks=marks,
        left_ticks=[(100 * tick / seconds, tick) for tick in ticks(seconds)],
        top_ticks=[(top(tick), tick) for tick in _round_between(low, high)],
        levels={
            name: (top(value), value)
            for name, value in (("p50", overall.p50), ("p95", overall.p95))
            if value is not None
        },
        total=len(requests),
    )


def _thin_out(requests: Sequence[Request]) -> list[Request]:
    """Return as many of `requests` as can be drawn: half of them the slowest, half an even choice."""
    if len(requests) <= MOST_MARKS:
        return list(requests)
    half = MOST_MARKS // 2
    by_time = sorted(requests, key=lambda each: -each.seconds)
    others = sorted(by_time[half:], key=lambda each: each.begun)
    return by_time[:half] + others[:: math.ceil(len(others) / half)]


def _round_between(low: float, high: float) -> list[float]:
    """Return powers of ten between `low` and `high`, with their double and fivefold if there is room."""
    powers = [10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    digits = (1,) if high / low > _WIDE else (1, 2, 5)
    return [n for n in (digit * power for power in powers for digit in digits) if low <= n <= high]
