"""The timeline of a run: phases, resources and tests as bars."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.base.telemetry.timeline import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from harness.report.results import Run, TestResult

SLOWEST = 5  # resources that stand out

_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_MOST_TICKS = 10
_MODULES = re.compile(r"^(module\.[^.\[]+(\[[^\]]*\])?\.)+")
_SHORTENED: dict[str, Callable[[str], str]] = {
    "phase": str,
    "resource": lambda name: _MODULES.sub("", name).removeprefix("aws_"),
    "test": lambda name: name.rpartition("::")[2].removeprefix("test_"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A span on the timeline: `left` and `width` are in percent, `rank` is 1 for the slowest resource."""

    span: Span
    label: str
    href: str
    tone: str
    left: float
    width: float
    rank: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """The bars of one kind, in rows without overlaps."""

    name: str
    rows: Sequence[Sequence[Bar]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The time line of a run.

    `begun` is in seconds since the epoch. Ticks are in percent, with their seconds.
    """

    begun: float
    seconds: float
    ticks: Sequence[tuple[float, float]]
    groups: Sequence[Lanes]


def timeline(run: Run, spans: Sequence[Span], tests: Sequence[TestResult]) -> Timeline:
    """Return the timeline of a run.

    Args:
        run: The run.
        spans: Its phases and resources, in order.
        tests: Its tests, in the order in which the page has them.
    """
    ran = {f"test-{number}": (test, _as_span(test)) for number, test in enumerate(tests, 1)}
    everything = [*spans, *(span for _, span in ran.values())]
    begun = min([run.begun, *(span.begun for span in everything)])
    end = max([run.begun + run.seconds, *(span.begun + span.seconds for span in everything)])
    seconds = max(end - begun, 0.001)

    def bar(span: Span, href: str, tone: str, rank: int = 0) -> Bar:
        left, width = 100 * (span.begun - begun) / seconds, 100 * span.seconds / seconds
        return Bar(
            span=span, label=_label(span, rank), href=href, tone=tone, left=left, width=width, rank=rank
        )

    groups = {"Phases": [bar(span, f"phase-{n}", _tone(span)) for n, span in _number(spans, "phase")]}
    ranks = {span: rank for rank, span in enumerate(slowest(spans), 1)}
    groups["Resources"] = [
        bar(span, f"resource-{rank}", _tone(span, slow=rank <= SLOWEST), rank)
        for span, rank in sorted(ranks.items(), key=lambda each: _order(each[0]))
    ]
    for href, (test, span) in sorted(ran.items(), key=lambda each: (each[1][0].worker, each[1][0].begun)):
        group = groups.setdefault(f"Tests {test.worker}".strip(), [])
        group.append(bar(span, href, f"test {test.outcome}"))
    return Timeline(
        begun=begun,
        seconds=seconds,
        ticks=[(100 * tick / seconds, tick) for tick in ticks(seconds)],
        groups=[Lanes(name=name, rows=_lanes(bars)) for name, bars in groups.items() if bars],
    )


def _as_span(test: TestResult) -> Span:
    ok = test.outcome in {"passed", "skipped", "xfailed"}
    return Span(kind="test", name=test.id, begun=test.begun, seconds=test.seconds, ok=ok)


def _tone(span: Span, *, slow: bool = False) -> str:
    return " ".join((span.kind, *(["slow"] if slow else []), *([] if span.ok else ["failed"])))


def _label(span: Span, rank: int) -> str:
    """Return a short form of a span's name, to fit on its bar."""
    number = f"{rank} " if 0 < rank <= SLOWEST else ""
    return ("" if span.ok else "✕ ") + number + _SHORTENED[span.kind](span.name)


def _order(span: Span) -> tuple[float, float, str]:
    return span.begun, -span.seconds, span.name


def in_order(spans: Iterable[Span]) -> list[Span]:
    """Return `spans` by their beginning, a longer one before those within it."""
    return sorted(spans, key=_order)


def _number(spans: Iterable[Span], kind: str) -> list[tuple[int, Span]]:
    return list(enumerate((span for span in spans if span.kind == kind), 1))


def slowest(spans: Iterable[Span]) -> list[Span]:
    """Return the resources, the slowest first."""
    return sorted((span for span in spans if span.kind == "resource"), key=lambda span: -span.seconds)


def _lanes(bars: Iterable[Bar]) -> list[list[Bar]]:
    """Put each of `bars`, which are sorted, into the first row that is free."""
    rows: list[list[Bar]] = []
    for bar in bars:
        free = (row for row in rows if row[-1].left + row[-1].width <= bar.left)
        row = next(free, None)
        if row is None:
            rows.append([bar])
        else:
            row.append(bar)
    return rows


def ticks(seconds: float) -> list[float]:
    """Return at most ten round numbers of seconds, evenly spread over `seconds`."""
    fitting = (step for step in _STEPS if seconds / step <= _MOST_TICKS)
    step = next(fitting, 3600 * math.ceil(seconds / 3600 / _MOST_TICKS))
    return [number * step for number in range(math.ceil(seconds / step))]
