"""A hop: one step on the way of an event or message, how to observe it, and how to print it."""

from __future__ import annotations

import math
import re
import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from harness.base.polling import eventually
from harness.errors import NotReachedError
from harness.values import FiredEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from harness.values import Endpoint, Sent

type State = Literal["reached", "failed", "unreached", "unknown"]

BUDGET = 15.0
GLANCE = 0.3  # seconds that the traces of a test that has passed may wait for what takes a moment, in all
SETTLED = 1.0  # seconds until the effects of earlier steps show
MOST_TRACES = 10
WIDEST = 300
_MOST_OTHERS = 10
_MOST_BRIEF = 4  # lines of a log in a terminal
_OF_A_LIBRARY = re.compile(r'\s*File ".*/(site-packages|lib/python[\d.]+)/')
_WAITS_UNTIL: ContextVar[float] = ContextVar("waits_until", default=math.inf)  # of the monotonic clock
_MARKS: dict[State, str] = {"reached": "✓", "failed": "✗", "unreached": "·", "unknown": "?"}


class Stack(Protocol):
    """The part of an applied stack that a trace needs: its endpoint, and clients."""

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that it runs at."""

    def client(self, service: str, region: str = "") -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """Return a boto3 client of `service` there, in the stack's region by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One step on the way of an event or message.

    Attributes:
        name: The step, such as `function invoked`.
        state: `reached`, `failed` (it certainly did not get past here), `unreached` (it ended before), or
            `unknown`.
        seen: The last observation. Log lines follow its first line.
        payload: The text that arrives there, if known. If AWS makes up the event, this is the part that
            identifies the origin.
        final_after: Seconds after which nothing more can come of it, unless the hop has changed by then. None
            if something may still come.
    """

    name: str
    state: State
    seen: str
    payload: str = ""
    final_after: float | None = None


class Hops(tuple[Hop, ...]):
    """The hops of an event, message or request, in order. As text they have a line each."""

    __slots__ = ()

    @property
    def failure(self) -> Hop | None:
        """The hop at which the way ended: the first that failed, if any did."""
        return failure_in(self)

    def __str__(self) -> str:
        """Return the hops as a person reads them."""
        return format_hops(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """An event or message, and its hops in order."""

    sent: FiredEvent | Sent
    hops: tuple[Hop, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracer:
    """How to follow an event or message.

    Attributes:
        stack: The stack through which it was sent.
        patience: Seconds to wait for steps that take a moment, such as the end of an invocation.
        onward: Follows the output of one resource into the next.
    """

    stack: Stack
    patience: float
    onward: Callable[[Sent], tuple[Hop, ...]]

    def client(self, service: str, arn: str = "") -> Any:  # noqa: ANN401 - a boto3 client
        """Return a boto3 client of a service, in the region of `arn`."""
        return self.stack.client(service, region_of(arn))

    @property
    def is_glance(self) -> bool:
        """Whether there is no time to wait for what is not there yet."""
        return math.isfinite(_WAITS_UNTIL.get())

    def settle[T](self, probe: Callable[[], T], *, until: Callable[[T], object], what: str) -> T:
        """Return the result of `probe` once `until` accepts it, or the last result when the patience ends."""
        patience = min(self.patience, _WAITS_UNTIL.get() - time.monotonic())
        if patience <= 0:
            return probe()
        try:
            return eventually(probe, until=until, what=what, timeout=patience, interval=0.2)
        except NotReachedError:
            return probe()


def region_of(arn: str) -> str:
    """Return the region in an ARN, or an empty text."""
    return (arn.split(":") + [""] * 4)[3]


def name_in(arn: str) -> str:
    """Return the part of an ARN that is unique to its resource in the account."""
    return arn.split(":", 5)[-1]


def look(name: str, probe: Callable[[], Hop]) -> Hop:
    """Return the hop of `probe`, or an unknown one with the error if it raises."""
    hop, _ = observe(name, lambda: (probe(), None))
    return hop


def observe[T](name: str, probe: Callable[[], tuple[Hop, T]]) -> tuple[Hop, T | None]:
    """Return the hop and the value of `probe`, or an unknown hop and None if it raises."""
    try:
        return probe()
    except Exception as problem:  # noqa: BLE001 - a diagnosis must not hide the failure that it is about
        return Hop(name=name, state="unknown", seen=f"{type(problem).__name__}: {problem}"), None


def after(name: str, before: Hop, seen: str) -> Hop:
    """Return the hop `name`, which is unreached if the way ended before it."""
    has_ended = before.state in {"failed", "unreached"}
    return Hop(name=name, state="unreached" if has_ended else "unknown", seen=seen)


def join(branches: Iterable[tuple[Hop, ...]]) -> tuple[Hop, ...]:
    """Return the hops of all branches. They are final only if all branches are."""
    every = list(branches)
    flat = tuple(hop for branch in every for hop in branch)
    if all(any(hop.final_after is not None for hop in branch) for branch in every):
        return flat
    return tuple(replace(hop, final_after=None) for hop in flat)


def failure_in(hops: Iterable[Hop]) -> Hop | None:
    """Return the hop at which the way ended: the first that failed, if any did."""
    return next((hop for hop in hops if hop.state == "failed"), None)


def cap(lines: Collection[str]) -> list[str]:
    """Return the first 10 lines, each cut to a width that can be read, and how many more there are."""
    shown = [line[:WIDEST] for line in lines]
    rest = len(shown) - _MOST_OTHERS
    return shown if rest <= 0 else [*shown[:_MOST_OTHERS], f"and {rest} more"]


def trace_all(
    trace: Callable[[FiredEvent | Sent], tuple[Hop, ...]],
    sent: Sequence[FiredEvent | Sent],
    *,
    budget: float = BUDGET,
) -> list[Trace]:
    """Trace the last 10 of the events and messages, the latest first.

    Args:
        trace: Returns the hops of one, such as `Deployment.trace`.
        sent: The events and messages, oldest first.
        budget: Seconds for all of them. Those that are not traced by then are unknown.
    """
    late = f"not in the {budget:g} s that there were for it"
    return _trace_latest(trace, sent, late, begins_within=budget, ends_within=budget)


def glance_all(
    trace: Callable[[FiredEvent | Sent], tuple[Hop, ...]],
    sent: Sequence[FiredEvent | Sent],
    *,
    seconds: float,
) -> list[Trace]:
    """Return the same of a test that has passed: nothing there is worth a long wait.

    Args:
        trace: Returns the hops of one.
        sent: What was sent, oldest first.
        seconds: After how many seconds no further one is looked at.
    """
    until = time.monotonic() + min(seconds, GLANCE)

    def glance(one: FiredEvent | Sent) -> tuple[Hop, ...]:
        with _waiting_until(until):
            return trace(one)

    late = "the test has passed, and the hops of others have taken the time that a run has for that"
    return _trace_latest(glance, sent, late, begins_within=seconds, ends_within=BUDGET)


@contextmanager
def _waiting_until(moment: float) -> Iterator[None]:
    """Let no trace wait past a moment of the monotonic clock while the context is open."""
    token = _WAITS_UNTIL.set(moment)
    try:
        yield
    finally:
        _WAITS_UNTIL.reset(token)


def _trace_latest(
    trace: Callable[[FiredEvent | Sent], tuple[Hop, ...]],
    sent: Sequence[FiredEvent | Sent],
    late: str,
    *,
    begins_within: float,
    ends_within: float,
) -> list[Trace]:
    """Trace what was sent last. A trace that there is no time for consists of `late` alone."""
    latest = list(reversed(sent[-MOST_TRACES:]))
    found: list[Trace] = []
    deadline = time.monotonic() + begins_within

    def work() -> None:
        found.extend(Trace(sent=each, hops=trace(each)) for each in latest if time.monotonic() < deadline)

    # An emulator that hangs would keep the test's report waiting for minutes.
    worker = threading.Thread(target=work, name="hops", daemon=True)
    worker.start()
    worker.join(ends_within)
    done = list(found)
    untold = Hop(name="looked at", state="unknown", seen=late)
    return [*done, *(Trace(sent=each, hops=(untold,)) for each in latest[len(done) :])]


def format_hops(hops: Iterable[Hop]) -> str:
    """Format `hops`, one line each, with a mark. Log lines and the payload are indented below."""
    shown = list(hops)
    width = max((len(hop.name) for hop in shown), default=0)
    return "\n".join(line for hop in shown for line in _hop_lines(hop, width))


def format_traces(traces: Iterable[Trace]) -> str:
    """Format the traces, each below a line that names its event or message."""
    return "\n".join(f"{_heading(trace.sent)}\n{format_hops(trace.hops)}" for trace in traces)


def format_briefly(traces: Iterable[Trace]) -> str:
    """Return the traces as text for a terminal: no payloads, log lines of the stop only, the last of them.

    All unreached hops share one line.
    """
    return "\n".join(line for trace in traces for line in [_heading(trace.sent), *_brief(trace.hops)])


def _brief(hops: Sequence[Hop]) -> list[str]:
    stop = failure_in(hops)
    shown = [hop for hop in hops if hop.state != "unreached"]
    width = max((len(hop.name) for hop in shown), default=0)
    lines = [line for hop in shown for line in _hop_lines(_shorten(hop, is_stop=hop is stop), width)]
    missed = ", ".join(hop.name for hop in hops if hop.state == "unreached")
    return [*lines, *([f"  {_MARKS['unreached']} {missed}"] if missed else [])]


def _shorten(hop: Hop, *, is_stop: bool) -> Hop:
    """Return the hop without its payload, and with as many of its lines as a terminal has room for."""
    first, *rest = hop.seen.splitlines() or [""]
    kept = _without_libraries(rest)[-_MOST_BRIEF:] if is_stop else []
    cut = ["…"] if is_stop and len(rest) > len(kept) else []
    return replace(hop, payload="", seen="\n".join([first, *cut, *kept]))


def _without_libraries(lines: Iterable[str]) -> list[str]:
    """Return the lines of a log without the frames of libraries in its tracebacks."""
    kept, is_library = [], False
    for line in lines:
        if not line.startswith("    "):  # a frame's source stands below it
            is_library = _OF_A_LIBRARY.match(line) is not None
        if not is_library:
            kept.append(line)
    return kept


def _heading(sent: FiredEvent | Sent) -> str:
    if isinstance(sent, FiredEvent):
        return f"event {sent.id} ({sent.source}, {sent.detail_type!r}):"
    return f"{sent.id} (sent to {':'.join(sent.arn.split(':')[2::3])}):"


def _hop_lines(hop: Hop, width: int) -> list[str]:
    first, *rest = hop.seen.splitlines() or [""]
    head = f"  {_MARKS[hop.state]} {hop.name:{width}}  {first}".rstrip()
    payload = " ".join(hop.payload.split())
    shown = [f"      > {payload[:WIDEST]}{'…' if len(payload) > WIDEST else ''}"] if payload else []
    return [head, *(f"      | {line}".rstrip() for line in rest), *shown]
