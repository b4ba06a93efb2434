"""An event on a bus: the rules that match it, and the targets of these."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.aws.eventbridge import inputs, patterns
from harness.aws.logs import group_events
from harness.errors import PatternError
from harness.stack.hops import function
from harness.stack.hops.hop import SETTLED, Hop, after, cap, join, look, name_in, observe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.aws.logs import LogEvent
    from harness.stack.hops.hop import Tracer
    from harness.values import Sent

type Rule = dict[str, Any]  # an item of ListRules
type Target = Mapping[str, Any]  # an item of ListTargetsByRule

_MATCHED = "matched a rule"
_TARGET = "found a target"
_LOGGED = "in the log group"


def follow(tracer: Tracer, sent: Sent) -> tuple[Hop, ...]:
    """Return the hops of an event, whose payload is its envelope: rules, targets, and the targets' hops.

    It uses the present rules and targets.
    """
    matched, rules = observe(_MATCHED, lambda: _match_rules(tracer, sent))
    found, targets = observe(_TARGET, lambda: _find_targets(tracer, sent, matched, rules or []))
    before = (replace(matched, payload=sent.payload), found)
    if not targets:
        return (*before, *function.without_invocation(found, "not looked for: no target is known"))
    # An alias and its function have one log: its invocations are looked at once.
    ways: dict[str, Target] = {}
    for target in targets:
        ways.setdefault(function.name_of(target["Arn"]) or target["Arn"], target)
    handed = [replace(sent, arn=one["Arn"], payload=_input(one, sent.payload)) for one in ways.values()]
    return (*before, *join(map(tracer.onward, handed)))


def follow_into_logs(tracer: Tracer, sent: Sent) -> tuple[Hop, ...]:
    """Return a hop that says whether the event is in the log group."""
    return (look(_LOGGED, lambda: _look_into_logs(tracer, sent)),)


def _bus(arn: str) -> str:
    return arn.partition("event-bus/")[2]


def _match_rules(tracer: Tracer, sent: Sent) -> tuple[Hop, list[Rule]]:
    client, bus = tracer.client("events", sent.arn), _bus(sent.arn)
    rules, envelope = _rules(client, bus), json.loads(sent.payload)
    fitting = [rule for rule in rules if _fits(rule, envelope)]
    live = [rule for rule in fitting if rule["State"] != "DISABLED"]
    others = [_describe(rule, fits=rule in fitting) for rule in (*fitting, *rules) if rule not in live]
    hop = partial(Hop, name=_MATCHED)
    if live:
        return hop(state="reached", seen=", ".join(map(_rule_name, live))), live
    what = "every rule that matches it is disabled" if fitting else "no rule matches it"
    hint = "" if fitting else _elsewhere(client, bus, envelope)
    seen = "\n".join([f"{what}; bus {bus} has {len(rules)}{hint}", *cap(dict.fromkeys(others))])
    return hop(state="failed", seen=seen, final_after=SETTLED), []


def _rules(client: Any, bus: str) -> list[Rule]:  # noqa: ANN401 - a boto3 client
    pages = client.get_paginator("list_rules").paginate(EventBusName=bus)
    return [rule for page in pages for rule in page["Rules"]]


def _elsewhere(client: Any, bus: str, envelope: Mapping[str, Any]) -> str:  # noqa: ANN401 - a boto3 client
    """Return advice if a rule on another bus matches an event, else an empty text."""
    others = [str(each["Name"]) for each in client.list_event_buses()["EventBuses"] if each["Name"] != bus]
    fitting = (
        f"; the rule {rule['Name']} on the bus {other} matches it: send it with bus={other!r}"
        for other in others
        for rule in _rules(client, other)
        if _fits(rule, envelope)
    )
    return next(fitting, "")


def _fits(rule: Rule, envelope: Mapping[str, Any]) -> bool:
    given = rule.get("EventPattern") or ""
    try:
        return bool(given) and patterns.matches(
            json.loads(given), {**envelope, "account": rule["Arn"].split(":")[4]}
        )
    except PatternError:  # emulators accept rules that EventBridge would refuse; other rules may still match
        return False


def _rule_name(rule: Rule) -> str:
    schedule = rule.get("ScheduleExpression") if rule.get("EventPattern") else ""
    return f"{rule['Name']} (which has a schedule too: {schedule})" if schedule else str(rule["Name"])


def _describe(rule: Rule, *, fits: bool) -> str:
    schedule = f"has a schedule only: {rule.get('ScheduleExpression')}"
    waits = f"waits for {rule['EventPattern']}" if rule.get("EventPattern") else schedule
    return f"{_rule_name(rule)}: {rule['State']}, {'matches' if fits else waits}"


def _find_targets(
    tracer: Tracer, sent: Sent, matched: Hop, rules: Sequence[Rule]
) -> tuple[Hop, list[Target]]:
    if not rules:
        return after(_TARGET, matched, "not looked for: no rule is known to match"), []
    pages = tracer.client("events", sent.arn).get_paginator("list_targets_by_rule")
    targets: list[Target] = [
        target
        for rule in rules
        for page in pages.paginate(Rule=rule["Name"], EventBusName=_bus(sent.arn))
        for target in page["Targets"]
    ]
    seen = ", ".join(name_in(target["Arn"]) for target in targets) or f"{_rule_name(rules[0])} has no target"
    hop = partial(Hop, name=_TARGET, seen=seen)
    return (hop(state="reached") if targets else hop(state="failed", final_after=SETTLED)), targets


def _input(target: Target, envelope: str) -> str:
    """Return the input of a target if it is known. Of a transformed input, return the template."""
    if target.get("InputTransformer"):
        return str(target["InputTransformer"]["InputTemplate"])
    if path := target.get("InputPath"):
        return json.dumps(inputs.select(str(path), json.loads(envelope)))
    return str(target.get("Input") or envelope)


def _look_into_logs(tracer: Tracer, sent: Sent) -> Hop:
    group = name_in(sent.arn).removeprefix("log-group:").removesuffix(":*")
    logs = tracer.client("logs", sent.arn)

    def naming() -> list[LogEvent]:
        return [one for one in group_events(logs, group, since=sent.at or 0.0) if sent.id in one.message]

    lines = tracer.settle(naming, until=bool, what=f"the event in {group}")
    hop = partial(Hop, name=_LOGGED)
    if lines:
        return hop(state="reached", seen=group, payload=lines[-1].message)
    is_known = not (tracer.stack.endpoint.is_aws or tracer.is_glance)  # a log may lag
    seen = f"no line of {group} names {sent.id}"
    return hop(
        state="failed" if is_known else "unknown", seen=seen, final_after=SETTLED if is_known else None
    )
