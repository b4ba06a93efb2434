"""A state machine on the way: the states that an execution entered, with their inputs, and how it ended."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.stack.hops.hop import SETTLED, Hop, failure_in, name_in, observe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.stack.hops.hop import State, Tracer
    from harness.values import Sent

RUNNING = frozenset({"RUNNING", "PENDING_REDRIVE"})
_STARTED = "execution started"
_ENDED = "execution ended"
_FAILURES = ("Failed", "TimedOut", "Aborted")  # how the types of a history's events of failure end

type Event = Mapping[str, Any]  # an item of GetExecutionHistory


def follow(tracer: Tracer, sent: Sent) -> tuple[Hop, ...]:
    """Return the hops of an execution: every state that it entered, and its end."""
    started, execution = observe(_STARTED, lambda: _find_execution(tracer, sent))
    if not execution:
        return (started,)
    ended, events = observe(_ENDED, lambda: _await_end(tracer, execution))
    states = _states(events or [], ended)
    is_told = failure_in(states) is not None  # its failure is that of the state
    return (started, *states, replace(ended, state="unreached") if is_told else ended)


def history(states: Any, execution: str) -> list[Event]:  # noqa: ANN401 - a boto3 client
    """Return the events of an execution, oldest first."""
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution)
    return [event for page in pages for event in page["events"]]


def failure(events: Sequence[Event]) -> dict[str, str]:
    """Return state, error and cause of a failed execution, or nothing if it has not failed."""
    state, found = "", dict[str, str]()
    for event in events:
        state = event.get("stateEnteredEventDetails", {}).get("name", state)
        if event["type"].endswith(_FAILURES):
            found = {"state": state} | _details(event) if _details(event) else found
    return found


def _details(event: Event) -> dict[str, str]:
    details: Mapping[str, Any] = next(
        (value for name, value in event.items() if name.endswith("EventDetails")), {}
    )
    return {name: details[name] for name in ("error", "cause") if details.get(name)}


def _find_execution(tracer: Tracer, sent: Sent) -> tuple[Hop, str]:
    """Return the execution that was started, or the only one since then if AWS started it."""
    hop = partial(Hop, name=_STARTED, payload=sent.payload)
    if ":execution:" in sent.id:
        return hop(state="reached", seen=name_in(sent.id)), sent.id
    pages = tracer.client("stepfunctions", sent.arn).get_paginator("list_executions")
    executions = [
        str(one["executionArn"])
        for page in pages.paginate(stateMachineArn=sent.arn)
        for one in page["executions"]
        if sent.at is not None and one["startDate"].timestamp() >= int(sent.at)
    ]
    if len(executions) == 1:
        seen = f"{name_in(executions[0])}; the only one since it was sent"
        return hop(state="reached", seen=seen), executions[0]
    return hop(
        state="unknown", seen=f"{name_in(sent.arn)}: {len(executions)} executions since it was sent"
    ), ""


def _await_end(tracer: Tracer, execution: str) -> tuple[Hop, list[Event]]:
    states = tracer.client("stepfunctions", execution)
    described = tracer.settle(
        lambda: states.describe_execution(executionArn=execution),
        until=lambda seen: seen["status"] not in RUNNING,
        what=f"the end of {execution}",
    )
    events, status = history(states, execution), str(described["status"])
    state: State = "unknown" if status in RUNNING else "reached" if status == "SUCCEEDED" else "failed"
    problem = failure(events) if state == "failed" else {}
    seen = ": ".join(filter(None, [status, problem.get("state"), _format_error(problem)]))
    output = str(described.get("output") or "")
    final = SETTLED if state == "failed" else None
    return Hop(name=_ENDED, state=state, seen=seen, payload=output, final_after=final), events


def _states(events: Sequence[Event], ended: Hop) -> list[Hop]:
    """Return a hop for each entered state.

    The state that ended a failed execution has failed.
    """
    hops = list[Hop]()
    for event in events:
        if one := event.get("stateEnteredEventDetails"):
            payload = str(one.get("input") or "")
            hops.append(Hop(name=f"state {one['name']}", state="reached", seen="entered", payload=payload))
        elif event["type"].endswith(_FAILURES) and hops and (problem := _format_error(_details(event))):
            hops[-1] = replace(hops[-1], seen=f"entered; then {problem}, which was caught or tried again")
    cause = failure(events) if ended.state == "failed" else {}
    at = next(
        (place for place, hop in reversed([*enumerate(hops)]) if hop.name == f"state {cause.get('state')}"),
        None,
    )
    if at is not None:
        hops[at] = replace(hops[at], state="failed", seen=_format_error(cause))
    return hops


def _format_error(problem: Mapping[str, str]) -> str:
    """Return error and cause as a person reads them: a function's cause is JSON."""
    return ": ".join(filter(None, (problem.get("error"), _message(problem.get("cause", "")))))


def _message(cause: str) -> str:
    try:
        document = json.loads(cause)
    except json.JSONDecodeError:
        return cause
    return (
        str(document["errorMessage"]) if isinstance(document, dict) and "errorMessage" in document else cause
    )
