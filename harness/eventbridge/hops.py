"""How far an event came: hop by hop, with what was last seen at each."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

from harness.aws.logs import invocations, log_events
from harness.base.polling import eventually
from harness.errors import NotReachedError, PatternError
from harness.eventbridge import patterns, send

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from harness.aws.logs import Invocation
    from harness.values import Endpoint, FiredEvent

type State = Literal["reached", "failed", "unknown"]
type Rule = dict[str, Any]  # as ListRules tells it

PATIENCE = 2.0
BUDGET = 15.0
MOST_EVENTS = 10
_RETRIES = 180.0  # seconds: Lambda tries an asynchronous event again after one minute and after two more
_MOST_RULES = 10
_MOST_LINES = 30
_WIDEST = 300
_MARKS: dict[State, str] = {"reached": "✓", "failed": "✗", "unknown": "?"}


class Stack(Protocol):
    """What a trace needs of an applied stack: where it runs, and clients there."""

    @property
    def endpoint(self) -> Endpoint:
        """Where it runs."""

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """Return a boto3 client of `service` there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One step of an event's way.

    Attributes:
        name: The step, such as `target invoked`.
        state: `reached`; `failed`: it is known that the event did not get past here; or `unknown`.
        seen: What was last seen there; log lines follow the first line.
    """

    name: str
    state: State
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """An event, and its hops in the order of its way."""

    event: FiredEvent
    hops: tuple[Hop, ...]


def trace_event(stack: Stack, event: FiredEvent, *, patience: float = PATIENCE) -> tuple[Hop, ...]:
    """Return how far `event` came through EventBridge and the functions it was meant for; never raise.

    The rules and targets are those of now. A hop that can't be looked at is unknown.

    Args:
        stack: What the event was sent through.
        event: The event, as it was sent.
        patience: Seconds to wait for the end of its invocation to be logged.
    """
    matched, rules = looked("matched a rule", lambda: _matched(stack, event))
    target, arns = looked("found a target", lambda: _targeted(stack, event, matched, rules or []))
    functions = [name for name in dict.fromkeys(map(_function, arns or [])) if name]
    invoked = [hop for name in functions for hop in _ran(stack, event, name, patience)]
    return (_accepted(event), matched, target, *(invoked or _not_run(target, arns or [])))


def look(name: str, probe: Callable[[], Hop]) -> Hop:
    """Return the hop that `probe` sees; unknown, with what went wrong, when it raises."""
    hop, _ = looked(name, lambda: (probe(), None))
    return hop


def looked[T](name: str, probe: Callable[[], tuple[Hop, T]]) -> tuple[Hop, T | None]:
    """Return the hop that `probe` sees and what it found there; an unknown one and None when it raises."""
    try:
        return probe()
    except Exception as problem:  # noqa: BLE001 - a diagnosis must not hide the failure that it is about
        return Hop(name=name, state="unknown", seen=f"{type(problem).__name__}: {problem}"), None


def after(name: str, before: Hop, seen: str) -> Hop:
    """Return the hop `name` that the event can't have reached, as far as `before` is known to have failed."""
    return Hop(name=name, state="failed" if before.state == "failed" else "unknown", seen=seen)


def failed(hops: Iterable[Hop]) -> Hop | None:
    """Return the hop at which the event stopped: the first that failed, if any did."""
    return next((hop for hop in hops if hop.state == "failed"), None)


def traced(
    trace: Callable[[FiredEvent], tuple[Hop, ...]], fired: Sequence[FiredEvent], *, budget: float = BUDGET
) -> list[Trace]:
    """Return how far the last 10 of the events came, the latest first.

    Args:
        trace: Returns the hops of one event, such as `Deployment.trace`.
        fired: The events, oldest first.
        budget: Seconds that all of it may take; what can't be told by then is unknown.
    """
    latest = list(reversed(fired[-MOST_EVENTS:]))
    found: list[Trace] = []
    deadline = time.monotonic() + budget

    def work() -> None:
        found.extend(Trace(event=event, hops=trace(event)) for event in latest if time.monotonic() < deadline)

    # An emulator that hangs would keep the test's report waiting for minutes.
    worker = threading.Thread(target=work, name="hops", daemon=True)
    worker.start()
    worker.join(budget)
    done = list(found)
    late = Hop(name="looked at", state="unknown", seen=f"not in the {budget:g} s that there were for it")
    return [*done, *(Trace(event=event, hops=(late,)) for event in latest[len(done) :])]


def told(hops: Iterable[Hop]) -> str:
    """Return `hops` as text: a line each, with a mark, and log lines indented below."""
    shown = list(hops)
    width = max((len(hop.name) for hop in shown), default=0)
    return "\n".join(line for hop in shown for line in _told(hop, width))


def told_all(traces: Iterable[Trace]) -> str:
    """Return the traces as text, each under a line that names its event."""
    return "\n".join(f"{_named(trace.event)}\n{told(trace.hops)}" for trace in traces)


def _accepted(event: FiredEvent) -> Hop:
    name = "accepted by EventBridge"
    if not event.id:
        return Hop(name=name, state="failed", seen="it has no id: it was not sent")
    return Hop(name=name, state="reached", seen=f"id {event.id}, bus {event.bus}")


def _matched(stack: Stack, event: FiredEvent) -> tuple[Hop, list[Rule]]:
    client = stack.client("events")
    pages = client.get_paginator("list_rules").paginate(EventBusName=event.bus)
    rules: list[Rule] = [rule for page in pages for rule in page["Rules"]]
    fitting = [rule for rule in rules if _fits(stack, rule, event)]
    live = [rule for rule in fitting if rule["State"] != "DISABLED"]
    others = [_described(rule, fits=rule in fitting) for rule in (*fitting, *rules) if rule not in live]
    hop = partial(Hop, name="matched a rule")
    if live:
        return hop(state="reached", seen=", ".join(map(_rule_name, live))), live
    what = "every rule that matches it is disabled" if fitting else "no rule matches it"
    seen = "\n".join([f"{what}; bus {event.bus} has {len(rules)}", *_capped(dict.fromkeys(others))])
    return hop(state="failed", seen=seen), []


def _fits(stack: Stack, rule: Rule, event: FiredEvent) -> bool:
    given = rule.get("EventPattern") or ""
    try:
        return bool(given) and patterns.matches(json.loads(given), _envelope(stack, rule, event))
    except PatternError:  # emulators take rules that EventBridge would refuse; others may match all the same
        return False


def _envelope(stack: Stack, rule: Rule, event: FiredEvent) -> dict[str, object]:
    """Return the event as rules see it.

    https://docs.aws.amazon.com/eventbridge/latest/ref/events-structure.html
    """
    moment = datetime.fromtimestamp(send.sent_at(event) or event.timestamp.timestamp(), UTC)
    return {
        "version": "0",
        "id": event.id,
        "detail-type": event.detail_type,
        "source": event.source,
        "account": rule["Arn"].split(":")[4],
        "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": stack.endpoint.region,
        "resources": [],
        "detail": event.detail,
    }


def _rule_name(rule: Rule) -> str:
    schedule = rule.get("ScheduleExpression") if rule.get("EventPattern") else ""
    return f"{rule['Name']} (which has a schedule too: {schedule})" if schedule else str(rule["Name"])


def _described(rule: Rule, *, fits: bool) -> str:
    schedule = f"has a schedule only: {rule.get('ScheduleExpression')}"
    waits = f"waits for {rule['EventPattern']}" if rule.get("EventPattern") else schedule
    return f"{_rule_name(rule)}: {rule['State']}, {'matches' if fits else waits}"


def _capped(lines: Collection[str]) -> list[str]:
    shown = list(lines)
    rest = len(shown) - _MOST_RULES
    return shown if rest <= 0 else [*shown[:_MOST_RULES], f"and {rest} more"]


def _targeted(stack: Stack, event: FiredEvent, matched: Hop, rules: Sequence[Rule]) -> tuple[Hop, list[str]]:
    name = "found a target"
    if not rules:
        return after(name, matched, "not looked for: no rule is known to match"), []
    pages = stack.client("events").get_paginator("list_targets_by_rule")
    arns = [
        str(target["Arn"])
        for rule in rules
        for page in pages.paginate(Rule=rule["Name"], EventBusName=event.bus)
        for target in page["Targets"]
    ]
    seen = ", ".join(arn.split(":", 5)[-1] for arn in arns) or f"{_rule_name(rules[0])} has no target"
    return Hop(name=name, state="reached" if arns else "failed", seen=seen), arns


def _function(arn: str) -> str:
    """Return the name of the function that `arn` names, whatever its alias; empty if it is none's."""
    _, _, service, _, _, *resource = arn.split(":")
    return resource[1] if service == "lambda" and resource[0] == "function" else ""


def _not_run(target: Hop, arns: Sequence[str]) -> tuple[Hop, ...]:
    seen = "not looked for: no target is a function" if arns else "not looked for: no target is known"
    return (after("target invoked", target, seen), after("function returned", target, seen))


def _ran(stack: Stack, event: FiredEvent, function: str, patience: float) -> tuple[Hop, Hop]:
    invoked, attempts = looked("target invoked", lambda: _invoked(stack, event, function, patience))
    return invoked, look("function returned", lambda: _returned(invoked, attempts or []))


def _invoked(stack: Stack, event: FiredEvent, function: str, patience: float) -> tuple[Hop, list[Invocation]]:
    attempts = _settled(lambda: _attempts(stack, event, function), patience)
    hop = partial(Hop, name="target invoked")
    requests = dict.fromkeys(attempt.request_id for attempt in attempts)
    if not attempts:
        # On AWS a log may lag by more than anybody waits for here.
        known = send.sent_at(event) is not None and not stack.endpoint.is_aws
        seen = f"{function}: its log shows no invocation since the event"
        return hop(state="failed" if known else "unknown", seen=seen), []
    names_it = event.id in attempts[0].mentions
    if len(requests) > 1 and not names_it:
        seen = f"{function}: {len(requests)} invocations since the event, and none logs the id of its event"
        return hop(state="unknown", seen=seen), attempts
    seen = f"{function}: request {', '.join(requests)}"
    seen += f", {len(attempts)} attempts" if len(attempts) > len(requests) else ""
    seen += "" if names_it else "; the only one since the event, whose id it does not log"
    return hop(state="reached", seen=seen), attempts


def _settled(probe: Callable[[], list[Invocation]], patience: float) -> list[Invocation]:
    """Return what `probe` finds once all of it is over, or as it is when the patience ends."""
    try:
        return eventually(
            probe,
            until=lambda found: found and all(attempt.is_over for attempt in found),
            what="the invocation to end",
            timeout=patience,
            interval=0.2,
        )
    except NotReachedError:
        return probe()


def _attempts(stack: Stack, event: FiredEvent, function: str) -> list[Invocation]:
    """Return the invocations that log the event's id; else those since it that can't be of another event."""
    sent = send.sent_at(event)
    found = invocations(log_events(stack.client("logs"), function, since=max(0.0, (sent or 0.0) - _RETRIES)))
    if naming := [attempt for attempt in found if event.id in attempt.mentions]:
        return naming
    if sent is None:
        return []
    # Log times are whole milliseconds. A request that was there before the event is retried for another one.
    older = {attempt.request_id for attempt in found if attempt.begun < int(sent * 1000) / 1000}
    others = {other.id for other in send.sent_since(0.0)}
    return [new for new in found if new.request_id not in older and not new.mentions & others]


def _returned(invoked: Hop, attempts: Sequence[Invocation]) -> Hop:
    hop = partial(Hop, name="function returned")
    if not attempts:
        return after("function returned", invoked, "not looked for: no invocation is known")
    last = {attempt.request_id: attempt for attempt in attempts}.values()
    broken = [attempt for attempt in last if attempt.failure]
    if broken:
        state: State = "failed" if len(broken) == len(last) else "unknown"
        return hop(state=state, seen="\n".join(line for attempt in broken for line in _error(attempt)))
    if running := [attempt.request_id for attempt in last if not attempt.is_over]:
        return hop(state="unknown", seen=f"no end of request {', '.join(running)} is logged yet")
    complaints = [line for attempt in last for line in _shortened(attempt.complaint)]
    took = ", ".join(f"{attempt.milliseconds or '?'} ms" for attempt in last)
    seen = f"after {took}; it logged errors:" if complaints else f"after {took}"
    return hop(state="reached", seen="\n".join([seen, *complaints]))


def _error(attempt: Invocation) -> list[str]:
    """Return the failure in one line, and below it the lines of the log that tell it."""
    head = f"request {attempt.request_id}: {attempt.error}"
    return [head[:_WIDEST], *_shortened(attempt.failure)]


def _shortened(lines: Sequence[str]) -> list[str]:
    """Return the first line and the last ones: in a long traceback, what matters stands at the ends."""
    cut = lines if len(lines) <= _MOST_LINES else [lines[0], "…", *lines[-(_MOST_LINES - 2) :]]
    return [line[:_WIDEST] for line in cut]


def _named(event: FiredEvent) -> str:
    return f"event {event.id} ({event.source}, {event.detail_type!r}):"


def _told(hop: Hop, width: int) -> list[str]:
    first, *rest = hop.seen.splitlines() or [""]
    head = f"  {_MARKS[hop.state]} {hop.name:{width}}  {first}".rstrip()
    return [head, *(f"      | {line}".rstrip() for line in rest)]
