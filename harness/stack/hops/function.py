"""The hops of a function: its invocation, its end, and the destination of the outcome."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from harness.aws import outbox
from harness.aws.logs import group_events, invocations
from harness.stack.hops.hop import SETTLED, WIDEST, Hop, after, look, name_in, observe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.aws.logs import Invocation
    from harness.stack.hops.hop import State, Tracer
    from harness.values import Sent

INVOKED = "function invoked"
RETURNED = "function returned"
_HANDED_ON = "outcome handed on"
_TRIES_AGAIN = 2  # as Lambda does by default, after one minute and after two more
_LATE = 1.5  # seconds that a retry may be late
_RETRIES = 180.0  # seconds that these take
_MOST_LINES = 30
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempts:
    """The invocations that may belong to an event, and whether their logs name it."""

    found: tuple[Invocation, ...] = ()
    name_it: bool = False


def name_of(arn: str) -> str:
    """Return the name of the function in an ARN, without its alias, or an empty text if it is another ARN."""
    _, _, service, _, _, *resource = arn.split(":")
    return resource[1] if service == "lambda" and resource[0] == "function" else ""


def follow(tracer: Tracer, sent: Sent) -> tuple[Hop, ...]:
    """Return the hops of an invocation, as far as the destination of the outcome."""
    invoked, returned, attempts = follow_invocation(tracer, sent)
    if sent.is_answered:
        return invoked, returned
    return (invoked, returned, *_follow_outcome(tracer, sent, returned, attempts))


def follow_invocation(tracer: Tracer, sent: Sent) -> tuple[Hop, Hop, tuple[Invocation, ...]]:
    """Return the hops "invoked" and "returned" of a function, and the attempts."""
    invoked, attempts = observe(INVOKED, lambda: _find_invocation(tracer, sent))
    returned = look(RETURNED, lambda: _find_outcome(invoked, sent, attempts or _Attempts()))
    return replace(invoked, payload=sent.payload), returned, (attempts or _Attempts()).found


def without_invocation(before: Hop, seen: str) -> tuple[Hop, Hop]:
    """Return the hops of a function that nothing is known to have come to."""
    return after(INVOKED, before, seen), after(RETURNED, before, seen)


def _find_invocation(tracer: Tracer, sent: Sent) -> tuple[Hop, _Attempts]:
    function = name_of(sent.arn)
    group = _log_group(tracer, sent.arn)
    attempts = tracer.settle(
        lambda: _attempts(tracer, sent, group),
        until=lambda seen: seen.found and all(attempt.is_over for attempt in seen.found),
        what="the invocation to end",
    )
    hop = partial(Hop, name=INVOKED)
    requests = dict.fromkeys(attempt.request_id for attempt in attempts.found)
    if not requests:
        # On AWS a log may lag by more than anybody waits for here; and a glance comes before any does.
        known = sent.at is not None and not tracer.stack.endpoint.is_aws and not tracer.is_glance
        seen = f"{function}: its log shows no invocation since it was sent"
        return hop(state="failed" if known else "unknown", seen=seen), attempts
    if len(requests) > 1 and not attempts.name_it:
        seen = f"{function}: {len(requests)} invocations since it was sent, and none logs its id"
        return hop(state="unknown", seen=seen), attempts
    count = len(attempts.found)
    seen = f"{function}: request {', '.join(requests)}"
    seen += f", {count} attempts" if count > len(requests) else ""
    seen += "" if attempts.name_it else "; the only one since it was sent, whose id it does not log"
    return hop(state="reached", seen=seen), attempts


def _log_group(tracer: Tracer, arn: str) -> str:
    configuration = tracer.client("lambda", arn).get_function_configuration(FunctionName=name_of(arn))
    return str(configuration.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{name_of(arn)}")


def _attempts(tracer: Tracer, sent: Sent, group: str) -> _Attempts:
    """Return the invocations whose log names the event, else later ones that fit no other event."""
    logs = tracer.client("logs", sent.arn)
    found = invocations(group_events(logs, group, since=max(0.0, (sent.at or 0.0) - _RETRIES)))
    # Log times are whole milliseconds.
    since = int(sent.at * 1000) / 1000 if sent.at is not None else None
    until = math.inf if sent.until is None else sent.until
    is_unique = _UUID.fullmatch(sent.id) is not None  # a key may have been there before
    recent = [
        one for one in found if (is_unique or since is None or one.begun >= since) and one.begun <= until
    ]
    if naming := tuple(
        attempt
        for attempt in recent
        if sent.id == attempt.request_id or any(is_named(sent.id, line) for line in attempt.messages)
    ):
        return _Attempts(found=naming, name_it=True)
    if since is None:
        return _Attempts()
    # A request that was there before it was sent is retried for something else.
    older = {attempt.request_id for attempt in found if attempt.begun < since}
    others = {other.id for other in outbox.sent_since(0.0)} - {sent.id}
    return _Attempts(
        found=tuple(
            new
            for new in recent
            if new.request_id not in older and not new.mentions & others and new.request_id not in others
        )
    )


def is_named(name: str, text: str) -> bool:
    """Return whether a text names the event.

    S3 and JSON encode an object's key.
    """
    if _UUID.fullmatch(name):
        return name in text
    encoded = {name, quote(name), quote_plus(name, safe="/"), json.dumps(name)[1:-1]}
    forms = "|".join(map(re.escape, encoded))
    return bool(name) and re.search(rf"(?<![\w./%+-])({forms})(?![\w./%+-])", text) is not None


def _find_outcome(invoked: Hop, sent: Sent, attempts: _Attempts) -> Hop:
    hop = partial(Hop, name=RETURNED)
    if not attempts.found:
        return after(RETURNED, invoked, "not looked for: no invocation is known")
    last = list({attempt.request_id: attempt for attempt in attempts.found}.values())
    if sent.is_answered and attempts.name_it:
        last = last[-1:]  # a batch that has failed comes again, as another request
    broken = [attempt for attempt in last if attempt.failure]
    if broken:
        state: State = "failed" if len(broken) == len(last) else "unknown"
        return hop(state=state, seen="\n".join(line for attempt in broken for line in _error(attempt)))
    if running := [attempt.request_id for attempt in last if not attempt.is_over]:
        return hop(state="unknown", seen=f"no end of request {', '.join(running)} is logged yet")
    complaints = [line for attempt in last for line in _shorten(attempt.complaint)]
    took = ", ".join(f"{attempt.milliseconds or '?'} ms" for attempt in last)
    seen = f"after {took}; it logged errors:" if complaints else f"after {took}"
    return hop(state="reached", seen="\n".join([seen, *complaints]))


def _error(attempt: Invocation) -> list[str]:
    """Return the failure in one line, followed by its lines in the log."""
    head = f"request {attempt.request_id}: {attempt.error}"
    return [head[:WIDEST], *_shorten(attempt.failure)]


def _shorten(lines: Sequence[str]) -> list[str]:
    """Return the first line and the last ones, because the ends of a long traceback matter most."""
    cut = lines if len(lines) <= _MOST_LINES else [lines[0], "…", *lines[-(_MOST_LINES - 2) :]]
    return [line[:WIDEST] for line in cut]


def _follow_outcome(
    tracer: Tracer, sent: Sent, returned: Hop, attempts: Sequence[Invocation]
) -> tuple[Hop, ...]:
    """Return the hops of an asynchronous invocation's outcome, in its destination or dead-letter queue."""
    if not attempts or returned.state == "unknown":
        return ()
    hop, outcome = observe(_HANDED_ON, lambda: _outcome(tracer, sent, returned, attempts))
    if hop.state != "reached" or outcome is None:
        return (hop,) if hop.seen else ()
    onward = tracer.onward(outcome)
    final = _set_aside(tracer, onward, len(attempts)) if returned.state == "failed" else None
    return (replace(hop, final_after=final), *onward)


def _set_aside(tracer: Tracer, onward: Sequence[Hop], attempts: int) -> float | None:
    """Return the seconds after which a failure counts as lost there, or None if it is processed further.

    Not each emulator hands on each failure.
    """
    if INVOKED in {hop.name for hop in onward}:
        return None
    return SETTLED if {hop.state for hop in onward} == {"reached"} else _retry_is_late(tracer, attempts)


def _outcome(
    tracer: Tracer, sent: Sent, returned: Hop, attempts: Sequence[Invocation]
) -> tuple[Hop, Sent | None]:
    hop = partial(Hop, name=_HANDED_ON)
    function, failed = name_of(sent.arn), returned.state == "failed"
    settings = _invoke_settings(tracer, sent.arn)
    destinations = settings.get("DestinationConfig", {})
    destination = destinations.get("OnFailure" if failed else "OnSuccess", {}).get("Destination", "")
    dead_letters = _dead_letters(tracer, sent.arn) if failed and not destination else ""
    tries = max(Counter(attempt.request_id for attempt in attempts).values())
    most = 1 + int(settings.get("MaximumRetryAttempts", _TRIES_AGAIN))
    if not (destination or dead_letters):  # a success is nobody's concern then
        seen = f"{function} has neither a destination for failures nor a dead-letter queue" if failed else ""
        final = SETTLED if tries >= most else _retry_is_late(tracer, len(attempts))
        return hop(state="unreached", seen=seen, final_after=final if failed else None), None
    arn = str(destination or dead_letters)
    if failed and tries < most:
        return hop(
            state="unknown",
            seen=f"not yet to {name_in(arn)}: attempt {tries} of {most} has failed",
            final_after=_retry_is_late(tracer, len(attempts)),
        ), None
    payload = _record(sent, attempts[-1].request_id, failed=failed) if destination else sent.payload
    kind = "destination" if destination else "dead-letter queue"
    return hop(state="reached", seen=f"to the {kind} {name_in(arn)}", payload=payload), replace(
        sent, arn=arn, payload=payload
    )


def _retry_is_late(tracer: Tracer, attempts: int) -> float | None:
    """Return the seconds after which no further attempt is expected, or None if unknown.

    Not every emulator retries the invocations of every service.
    """
    delay = tracer.stack.endpoint.retry_delay
    return delay * 2 ** (attempts - 1) + _LATE if delay else None


def _invoke_settings(tracer: Tracer, arn: str) -> dict[str, Any]:
    client = tracer.client("lambda", arn)
    qualifier = arn.split(":")[7:8]
    try:
        settings: dict[str, Any] = client.get_function_event_invoke_config(
            FunctionName=name_of(arn), **({"Qualifier": qualifier[0]} if qualifier else {})
        )
    except client.exceptions.ResourceNotFoundException:  # all is as by default
        return {}
    return settings


def _dead_letters(tracer: Tracer, arn: str) -> str:
    configuration = tracer.client("lambda", arn).get_function_configuration(FunctionName=name_of(arn))
    return str(configuration.get("DeadLetterConfig", {}).get("TargetArn") or "")


def _record(sent: Sent, request: str, *, failed: bool) -> str:
    """Return the known part of Lambda's record for a destination.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    context = {
        "requestId": request,
        "functionArn": sent.arn,
        "condition": "RetriesExhausted" if failed else "Success",
    }
    return json.dumps({"requestContext": context, "requestPayload": parse_json(sent.payload)})


def parse_json(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """Parse a text as JSON, or return the text itself if it is not JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text
