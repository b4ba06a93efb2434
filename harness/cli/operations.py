"""The operations of the command line on a running stack."""

from __future__ import annotations

import json
import logging
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import backends
from harness.aws.logs import LogEvent, log_events, mentioning
from harness.backends import emulator
from harness.errors import HarnessError, OutputError, SettingsError
from harness.lifetimes.kept import KeptStack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.coverage import Coverage
    from harness.lifetimes.hot import HotSources
    from harness.permissions import Permissions
    from harness.settings import Settings
    from harness.stack.deployment import Deployment
    from harness.stack.hops import Hop
    from harness.stack.resources import InvokeResult
    from harness.values import ApiResponse, Endpoint, FiredEvent

log = logging.getLogger(__name__)
FOLLOW_EVERY = 1.0
_PATIENCE = 10.0  # seconds: a function may have to start first, and a person waits for nothing else
_LATENESS = 10.0  # seconds until a log line appears at the latest
_API_URL = "api_url"
_API_HOST = ".execute-api."


def bring_up(settings: Settings, snapshot: Path | None = None) -> Deployment:
    """Bring a stack up, or bring it up to date, and return it.

    Args:
        settings: The stack's settings.
        snapshot: A snapshot's file, which is restored unchanged.

    Raises:
        HarnessError: The stack can't be brought up.
    """
    from harness.stack.snapshots import Snapshot

    kept, given = KeptStack.of(settings), Snapshot.read(snapshot) if snapshot else None
    with kept.exclusive():
        if given and kept.keeper():
            raise HarnessError(
                "a stack is already up; stop it with `harness down` before you bring up a snapshot"
            )
        return kept.deployment(kept.endpoint(), given=given)


def fire(deployment: Deployment, *, rule: str, detail: str) -> tuple[FiredEvent, tuple[Hop, ...]]:
    """Send an event that a rule of the stack matches, and follow it.

    Args:
        deployment: The stack.
        rule: The rule's name. Empty for the only rule with a pattern.
        detail: The event's detail as JSON. Empty to derive one from the pattern.

    Raises:
        HarnessError: There is no such rule, or it does not match the event.
    """
    from harness.aws.eventbridge.send import put_event
    from harness.stack import hops

    event = put_event(deployment.client("events"), _event_for(_rule(deployment, rule), detail))
    return event, hops.trace_sent(deployment, event, patience=_PATIENCE)


def permissions_of(settings: Settings) -> Permissions:
    """Return the permissions of the running stack, judged by all calls since its emulator started.

    Raises:
        HarnessError: Nothing is up, or the backend has no request log.
    """
    from harness.permissions import places

    running = KeptStack.of(settings).running()
    return places.permissions_of(running, settings.terraform_dir, settings.project, since=0)


def coverage_of(settings: Settings) -> Coverage:
    """Return the coverage of the running stack, judged by all calls since its emulator started.

    Raises:
        HarnessError: Nothing is up, or the backend has no request log.
    """
    from harness.coverage import measured

    running, excluded = KeptStack.of(settings).running(), settings.coverage_exclude
    return measured.coverage_of(running, settings.terraform_dir, settings.project, since=0, excluded=excluded)


def latest(deployment: Deployment, output: str) -> ApiResponse:
    """Call the API at the URL in the root's output of this name.

    Raises:
        HarnessError: There is no such output, or it is not a URL.
    """
    url = deployment.outputs[output or _API_URL]
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise OutputError(output or _API_URL, f"expected the URL of an API, got {url!r}")
    return deployment.api_client(url).get()


def values_here(deployment: Deployment) -> dict[str, object]:
    """Return the stack's outputs, with the local URL after each URL of API Gateway."""
    shown: dict[str, object] = {}
    for name, value in deployment.outputs.untraced.items():
        shown[name] = value
        if _API_HOST in str(value) and not deployment.endpoint.is_aws:
            shown[f"{name} (here)"] = deployment.api_client(str(value)).base
    return shown


def ways_in(deployment: Deployment) -> dict[str, str]:
    """Return the entry points of the stack, each with the command that triggers it."""
    found: dict[str, str] = {}
    for each in deployment.resources():
        values, name = each.values, str(each.values.get("name") or "")
        if each.type == "aws_lambda_function":
            found[f"function {values['function_name']}"] = f"harness invoke {values['function_name']} '{{}}'"
        elif each.type == "aws_cloudwatch_event_rule" and values.get("event_pattern"):
            found[f"rule {name}"] = f"harness fire --rule {name}"
        elif each.type == "aws_sqs_queue" and not deployment.endpoint.is_aws:
            aws = f"aws --endpoint-url {deployment.endpoint.url} --region {each.region}"
            url = values.get("url") or values.get("id")
            found[f"queue {name}"] = f"{aws} sqs send-message --queue-url {url} --message-body '{{}}'"
    return dict(sorted(found.items()))


def dashboard(endpoint: Endpoint) -> str:
    """Return the URL of an emulator's own web interface.

    Raises:
        HarnessError: It has none.
    """
    path = backends.load(endpoint.backend).dashboard if endpoint.backend in backends.BUILT_IN else ""
    if not path:
        raise HarnessError(f"the backend {endpoint.backend} has no dashboard; localemu has one")
    return f"{endpoint.url}{path}"


def event_of(text: str) -> object:
    """Read an event: JSON, the path of a JSON file, or `-` for standard input.

    Raises:
        SettingsError: It is none of these.
    """
    try:
        if text != "-" and not Path(text).is_file():
            return json.loads(text)
        return json.loads(sys.stdin.read() if text == "-" else Path(text).read_text("utf-8"))
    except (ValueError, OSError):
        expected = "JSON, the path of a file with JSON, or - for standard input"
        raise SettingsError("EVENT", expected=expected, got=text) from None


def function(deployment: Deployment, name: str) -> str:
    """Return the name of the stack's function, or of its only one if `name` is empty.

    Raises:
        SettingsError: There is no such function, or several.
    """
    known = functions(deployment, [name] if name else [])
    if len(known) != 1:
        expected = f"one of {', '.join(known)}" if known else "a stack with a function"
        raise SettingsError("FUNCTION", expected=expected, got=None)
    return known[0]


def again(deployment: Deployment, name: str, request_id: str = "") -> tuple[str, object]:
    """Return the function and the event of an earlier invocation, to repeat it, and say which it is.

    Args:
        deployment: The running stack.
        name: The function's name. Empty for any function of the stack.
        request_id: The id of the invocation. Empty for the last one that failed.

    Raises:
        HarnessError: The emulator has not kept such an invocation.
    """
    from harness.aws.calls import invocations

    names = functions(deployment, [name] if name else [])
    folder = emulator.folder_of(deployment.endpoint, emulator.EVENTS)
    for each in invocations.read(folder) if folder else ():
        if each.function in names and (each.request_id == request_id if request_id else each.error):
            log.info("repeating the request %s of %s", each.request_id, each.function)
            return each.function, each.event
    wanted = f"the request {request_id}" if request_id else "an invocation that has failed"
    raise HarnessError(
        f"expected {wanted} among the latest of {', '.join(names)}, found none; "
        "the backends host, localemu and ministack keep 256 while they are up"
    )


def invoke(deployment: Deployment, name: str, event: object) -> InvokeResult:
    """Invoke a function of the stack, and return its answer."""
    from harness.stack.resources.function import Function

    (resource,) = (
        each for each in deployment.resources("aws_lambda_function") if each.values["function_name"] == name
    )
    return Function(deployment, resource).invoke(event)


def functions(deployment: Deployment, wanted: Sequence[str]) -> list[str]:
    """Return the names of the stack's functions, or the wanted ones.

    Raises:
        SettingsError: A wanted function is not part of the stack.
    """
    known = sorted(found.values["function_name"] for found in deployment.resources("aws_lambda_function"))
    if unknown := [name for name in wanted if name not in known]:
        raise SettingsError("FUNCTION", expected=f"one of {', '.join(known)}", got=unknown[0])
    return list(wanted) or known


def read_logs(
    deployment: Deployment, names: Sequence[str], since: float, mentioned: str = ""
) -> list[tuple[str, LogEvent]]:
    """Return the log records of functions since `since` (seconds since the epoch), oldest first.

    With `mentioned`, return only invocations whose log has this text, such as the id of an event.
    """
    client = deployment.client("logs")
    found = [
        (name, event)
        for name in names
        for event in mentioning(log_events(client, name, since=since), mentioned)
    ]
    return sorted(found, key=lambda pair: pair[1].at)


def following(deployment: Deployment, names: Sequence[str], since: float) -> Iterator[tuple[str, LogEvent]]:
    """Yield log records of functions from `since` on, endlessly."""
    seen: set[tuple[str, LogEvent]] = set()
    while not (how := deployment.endpoint.ended()):
        fresh = [pair for pair in read_logs(deployment, names, since) if pair not in seen]
        yield from fresh
        seen.update(fresh)
        since = max(since, time.time() - _LATENESS)
        time.sleep(FOLLOW_EVERY)
    raise HarnessError(f"the backend is gone: {how}")


@contextmanager
def reloading(settings: Settings) -> Iterator[HotSources]:
    """Yield a `HotSources` that makes functions run saved sources. At the end they run their zips again."""
    from harness.lifetimes.hot import HotSources

    reload = HotSources(settings=settings)
    try:
        yield reload
    finally:
        reload.end()


def _rule(deployment: Deployment, name: str) -> Mapping[str, Any]:
    rules = [found.values for found in deployment.resources("aws_cloudwatch_event_rule")]
    waiting = {rule["name"]: rule for rule in rules if rule.get("event_pattern")}
    if name in waiting:
        return waiting[name]
    if not name and len(waiting) == 1:
        return next(iter(waiting.values()))
    expected = f"one of {', '.join(sorted(waiting))}" if waiting else "a stack with a rule that has a pattern"
    raise SettingsError("--rule", expected=expected, got=name or "none")


def _event_for(rule: Mapping[str, Any], detail: str) -> FiredEvent:
    from harness.aws.eventbridge import patterns

    pattern = json.loads(rule["event_pattern"])
    event = patterns.complete(pattern, {"detail": _object(detail)} if detail else {})
    if not patterns.matches(pattern, event):
        expected = f"a detail that the pattern of {rule['name']} matches: {rule['event_pattern']}"
        raise SettingsError("--detail", expected=expected, got=detail)
    return patterns.to_fired_event(event, rule["event_bus_name"] or "default")


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise SettingsError("--detail", expected="a JSON object", got=text)
    return value
