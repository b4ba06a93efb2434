"""The report of a run: one HTML file that needs nothing else, not even JavaScript, to be read."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections import Counter
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import urlsplit

from harness.aws.rest import Request
from harness.base.timeline import Span
from harness.hops import Hop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from jinja2 import Environment

type Outcome = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed"]

OUTCOMES: tuple[Outcome, ...] = ("failed", "error", "xpassed", "xfailed", "skipped", "passed")  # worst first
LONGEST_TEXT = 64 * 1024  # characters of a log that are shown
MOST_LINES = 1000  # lines of a log that are shown
MOST_MARKS = 2000  # requests that the chart draws
MOST_REQUESTS = 100  # requests that a test's table shows
SLOWEST = 5  # resources that stand out
LISTED = 12  # resources that are listed at once

_TEMPLATE = "report.html.jinja"
_SIGNS = {
    "passed": "✓",
    "failed": "✕",
    "error": "!",
    "skipped": "-",
    "xfailed": "~",
    "xpassed": "*",
    "reached": "✓",
    "unreached": "·",
    "unknown": "?",
}
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_MOST_TICKS = 10
_MARGIN = 1.6  # as a factor: of the scale of the chart, so that 1, 2 or 5 is always within it
_WIDE = 500  # as a factor: a scale with room for no more than powers of ten
_FASTEST = 0.0001  # seconds: the scale has to begin above 0
_MINUTE = 60
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_MODULES = re.compile(r"^(module\.[^.\[]+(\[[^\]]*\])?\.)+")
_SHORTENED: dict[str, Callable[[str], str]] = {
    "phase": str,
    "resource": lambda name: _MODULES.sub("", name).removeprefix("aws_"),
    "test": lambda name: name.rpartition("::")[2].removeprefix("test_"),
}
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """How far an event came: its id, which is all of it that the report needs, and its hops."""

    event: str
    hops: tuple[Hop, ...]

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """Return the trace that `plain` holds as JSON."""
        return cls(event=plain["event"], hops=tuple(Hop(**hop) for hop in plain["hops"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """A test, or one phase of it (set-up, call, teardown), and all that was told while it ran.

    Attributes:
        id: The node id.
        outcome: How it ended.
        begun: Seconds since the epoch.
        seconds: How long it took.
        worker: The process it ran in, such as `gw0`; empty where there is one only.
        message: Why it did not pass, at length.
        cause: Why it failed, in one line.
        hops: The events it fired, each with how far it came.
        sections: Log texts by name.
        requests: The calls of the API.
        spans: The phases and resources that ended in the meantime.
    """

    __test__ = False  # for pytest: no class of tests

    id: str
    outcome: Outcome
    begun: float
    seconds: float
    worker: str = ""
    message: str = ""
    cause: str = ""
    hops: tuple[Trace, ...] = ()
    sections: Mapping[str, str] = field(default_factory=dict)
    requests: tuple[Request, ...] = ()
    spans: tuple[Span, ...] = ()

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """Return the test that `plain` holds as JSON."""
        held = {
            "hops": tuple(map(Trace.of, plain["hops"])),
            "requests": tuple(Request(**request) for request in plain["requests"]),
            "spans": tuple(Span(**span) for span in plain["spans"]),
        }
        return cls(**{**plain, **held})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the test that `to_json` wrote."""
        return cls.of(json.loads(text))

    def to_json(self) -> str:
        """Return the test as JSON, to go from a pytest-xdist worker to the controller."""
        return _json(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of tests.

    Attributes:
        title: What ran.
        begun: Seconds since the epoch.
        seconds: How long it took.
        facts: What else is to be known, by name: the backend and why it was chosen, versions, the endpoint.
        spans: Phases and resources that no test holds.
        tests: The tests.
    """

    title: str
    begun: float
    seconds: float
    facts: Mapping[str, str] = field(default_factory=dict)
    spans: tuple[Span, ...] = ()
    tests: tuple[TestResult, ...] = ()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the run that `to_json` wrote."""
        plain = json.loads(text)
        spans = tuple(Span(**span) for span in plain["spans"])
        return cls(**{**plain, "spans": spans, "tests": tuple(map(TestResult.of, plain["tests"]))})

    def to_json(self) -> str:
        """Return the run as JSON."""
        return _json(self)


def joined(parts: Iterable[TestResult]) -> TestResult:
    """Return the test whose phases are `parts`, in their order: its outcome is the worst of theirs.

    Raises:
        ValueError: There are no parts.
    """
    if not (phases := tuple(parts)):
        raise ValueError("expected the phases of a test, got none")
    begun = min(each.begun for each in phases)
    return TestResult(
        id=phases[0].id,
        outcome=min((each.outcome for each in phases), key=OUTCOMES.index),
        begun=begun,
        seconds=max(each.begun + each.seconds for each in phases) - begun,
        worker=phases[0].worker,
        message="\n\n".join(each.message for each in phases if each.message),
        cause=next((each.cause for each in phases if each.cause), ""),
        hops=tuple(trace for each in phases for trace in each.hops),
        sections={name: text for each in phases for name, text in each.sections.items()},
        requests=tuple(request for each in phases for request in each.requests),
        spans=tuple(span for each in phases for span in each.spans),
    )


def write(run: Run, path: Path) -> None:
    """Write the report of `run` to the file `path`; its folder is made if need be.

    Raises:
        OSError: The file can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(run), "utf-8", newline="\n")


def render(run: Run) -> str:
    """Return the report of `run` as HTML."""
    tests = sorted(run.tests, key=lambda test: (OUTCOMES.index(test.outcome), test.begun, test.id))
    spans = _in_order({*run.spans, *(span for test in tests for span in test.spans)})
    requests = sorted((each for test in tests for each in test.requests), key=lambda each: each.begun)
    return _template(
        run=run,
        tests=tests,
        counts=_counts(tests),
        phases=[span for span in spans if span.kind == "phase"],
        resources=_slowest(spans),
        timeline=_timeline(run, spans, tests),
        chart=_chart(requests),
        figures=figures(requests),
    )


# --- figures

_ENOUGH_FOR_P95 = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of the requests of a kind: their number, and percentiles of their duration in seconds.

    Of fewer than 20 there is no `p95`: it would be the longest.
    """

    name: str
    count: int
    p50: float
    p95: float | None
    longest: float


def figures(requests: Sequence[Request]) -> list[Figures]:
    """Return the figures of all `requests`, and of those of each class of statuses that came."""
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
    """Return the class of an HTTP status, such as `2xx`; 0 stands for `no answer`."""
    return f"{status // 100}xx" if status else "no answer"


def _counts(tests: Sequence[TestResult]) -> dict[str, int]:
    """Return how many tests ended in each way, the worst first."""
    counted = Counter(test.outcome for test in tests)
    return {outcome: counted[outcome] for outcome in OUTCOMES if counted[outcome]}


# --- the timeline


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
    """The bars of one kind, in rows where none overlaps another."""

    name: str
    rows: Sequence[Sequence[Bar]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What happened when: `begun` is in seconds since the epoch, ticks are in percent with their seconds."""

    begun: float
    seconds: float
    ticks: Sequence[tuple[float, float]]
    groups: Sequence[Lanes]


def _timeline(run: Run, spans: Sequence[Span], tests: Sequence[TestResult]) -> Timeline:
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

    groups = {"Phases": [bar(span, f"phase-{n}", _tone(span)) for n, span in _numbered(spans, "phase")]}
    ranks = {span: rank for rank, span in enumerate(_slowest(spans), 1)}
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
        ticks=[(100 * tick / seconds, tick) for tick in _ticks(seconds)],
        groups=[Lanes(name=name, rows=_lanes(bars)) for name, bars in groups.items() if bars],
    )


def _as_span(test: TestResult) -> Span:
    ok = test.outcome in {"passed", "skipped", "xfailed"}
    return Span(kind="test", name=test.id, begun=test.begun, seconds=test.seconds, ok=ok)


def _tone(span: Span, *, slow: bool = False) -> str:
    return " ".join((span.kind, *(["slow"] if slow else []), *([] if span.ok else ["failed"])))


def _label(span: Span, rank: int) -> str:
    """Return what of a span's name to write on its bar, where there is little room."""
    number = f"{rank} " if 0 < rank <= SLOWEST else ""
    return ("" if span.ok else f"{_SIGNS['failed']} ") + number + _SHORTENED[span.kind](span.name)


def _order(span: Span) -> tuple[float, float, str]:
    return span.begun, -span.seconds, span.name


def _in_order(spans: Iterable[Span]) -> list[Span]:
    """Return `spans` by their beginning, a longer one before those within it."""
    return sorted(spans, key=_order)


def _numbered(spans: Iterable[Span], kind: str) -> list[tuple[int, Span]]:
    return list(enumerate((span for span in spans if span.kind == kind), 1))


def _slowest(spans: Iterable[Span]) -> list[Span]:
    """Return the resources, the slowest first."""
    return sorted((span for span in spans if span.kind == "resource"), key=lambda span: -span.seconds)


def _lanes(bars: Iterable[Bar]) -> list[list[Bar]]:
    """Put each of `bars`, which are in order, into the first row that is free by then."""
    rows: list[list[Bar]] = []
    for bar in bars:
        free = (row for row in rows if row[-1].left + row[-1].width <= bar.left)
        row = next(free, None)
        if row is None:
            rows.append([bar])
        else:
            row.append(bar)
    return rows


def _ticks(seconds: float) -> list[float]:
    """Return at most ten round numbers of seconds, evenly spread over `seconds`."""
    fitting = (step for step in _STEPS if seconds / step <= _MOST_TICKS)
    step = next(fitting, 3600 * math.ceil(seconds / 3600 / _MOST_TICKS))
    return [number * step for number in range(math.ceil(seconds / step))]


# --- the chart of latencies


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A request on the chart; `left` and `top` are in percent."""

    request: Request
    left: float
    top: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Requests over time, on a logarithmic scale; ticks and levels are in percent, with their seconds."""

    begun: float
    marks: Sequence[Mark]
    left_ticks: Sequence[tuple[float, float]]
    top_ticks: Sequence[tuple[float, float]]
    levels: Mapping[str, tuple[float, float]]
    total: int


def _chart(requests: Sequence[Request]) -> Chart | None:
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
        for each in sorted(_thinned(requests), key=lambda each: status_class(each.status))
    ]
    (overall, *_) = figures(requests)
    return Chart(
        begun=begun,
        marks=marks,
        left_ticks=[(100 * tick / seconds, tick) for tick in _ticks(seconds)],
        top_ticks=[(top(tick), tick) for tick in _round_between(low, high)],
        levels={
            name: (top(value), value)
            for name, value in (("p50", overall.p50), ("p95", overall.p95))
            if value is not None
        },
        total=len(requests),
    )


def _thinned(requests: Sequence[Request]) -> list[Request]:
    """Return as many of `requests` as can be drawn: half of them the slowest, half an even choice."""
    if len(requests) <= MOST_MARKS:
        return list(requests)
    half = MOST_MARKS // 2
    by_time = sorted(requests, key=lambda each: -each.seconds)
    others = sorted(by_time[half:], key=lambda each: each.begun)
    return by_time[:half] + others[:: math.ceil(len(others) / half)]


def _round_between(low: float, high: float) -> list[float]:
    """Return powers of ten between `low` and `high`, and two and five times these where there is room."""
    powers = [10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    digits = (1,) if high / low > _WIDE else (1, 2, 5)
    return [n for n in (digit * power for power in powers for digit in digits) if low <= n <= high]


# --- texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """The end of a text: its lines, and a note on what was left out; empty where nothing was."""

    lines: Sequence[str]
    note: str


def excerpt(text: str) -> Excerpt:
    """Return as much of the end of `text` as the report shows, without colours and control characters."""
    lines = _cleaned(text).rstrip("\n").split("\n")
    shown, room = lines[-MOST_LINES:], LONGEST_TEXT
    kept: list[str] = []
    for line in reversed(shown):
        if kept and len(line) >= room:
            break
        kept.insert(0, line[-room:])
        room -= len(line) + 1
    whole = len(kept) == len(lines) and kept[0] == lines[0]
    return Excerpt(lines=kept, note="" if whole else f"the end only: {len(kept):,} of {len(lines):,} lines")


def _cleaned(text: str) -> str:
    """Return `text` with what no page can hold or show made visible, and without terminal colours."""
    plain = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _UNPRINTABLE.sub("�", plain)


def _reason(test: TestResult) -> str:
    """Return why a test failed; else the line of its message that says most: pytest marks it with an E."""
    if test.cause:
        return _cleaned(test.cause)
    lines = _cleaned(test.message).strip().splitlines()
    marked = (line[1:].strip() for line in lines if line.startswith("E "))
    return next(marked, lines[0].strip() if lines else "")


def _duration(seconds: float) -> str:
    """Return `seconds` as a person reads them, to three digits."""
    if seconds < 1:
        return f"{1000 * seconds:.3g} ms" if seconds else "0 s"
    if seconds < _MINUTE:
        return f"{seconds:.3g} s"
    return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE):02} s"


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _path(url: str) -> str:
    """Return the part of `url` that tells requests apart: its path and query."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _csp_hash(content: str) -> str:
    """Return the hash by which a content security policy knows an inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _json(value: Run | TestResult) -> str:
    return json.dumps(value, default=_plain)


def _plain(value: object) -> dict[str, Any]:
    if is_dataclass(value):
        return {item.name: getattr(value, item.name) for item in fields(value)}
    raise TypeError(f"expected a value of the report, got {value!r}")


# --- the page


def _template(**view: object) -> str:
    page = _environment().get_template(_TEMPLATE).render(**view)
    return _UNPRINTABLE.sub("�", page)


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - slow; few runs need it

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_FILTERS)
    environment.globals.update(signs=_SIGNS, slowest=SLOWEST, listed=LISTED, most_requests=MOST_REQUESTS)
    return environment


_FILTERS: dict[str, Callable[..., object]] = {
    "cleaned": _cleaned,
    "csp_hash": _csp_hash,
    "duration": _duration,
    "excerpt": excerpt,
    "instant": _instant,
    "path": _path,
    "reason": _reason,
    "status_class": status_class,
}
