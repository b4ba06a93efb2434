"""What the command line does with a stack that is up."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from watchfiles import DefaultFilter, watch

from harness import packages
from harness.aws.logs import LogEvent, log_events
from harness.configuration.scratch import reached
from harness.errors import HarnessError, OutputError, SettingsError
from harness.eventbridge import patterns
from harness.eventbridge.send import sent
from harness.lifetimes.hot import Hot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.deployment import Deployment
    from harness.hops import Hop
    from harness.settings import Settings
    from harness.values import ApiResponse, FiredEvent

FOLLOW_EVERY = 1.0
_LATENESS = 10.0  # seconds that a log line may take to appear
_API_URL = "api_url"
_API_HOST = ".execute-api."


def fire(deployment: Deployment, *, rule: str, detail: str) -> tuple[FiredEvent, tuple[Hop, ...]]:
    """Send the event that a rule of the stack waits for, and follow it.

    Args:
        deployment: The stack.
        rule: The rule's name; empty for the only rule with a pattern.
        detail: The event's detail as JSON; empty for one that the pattern asks for.

    Raises:
        HarnessError: There is no such rule, or the event is not one that it matches.
    """
    event = sent(deployment.client("events"), _event_for(_rule(deployment, rule), detail))
    return event, deployment.trace(event)


def latest(deployment: Deployment, output: str) -> ApiResponse:
    """Call the API whose URL is the root's output of this name.

    Raises:
        HarnessError: There is no such output, or it is no URL.
    """
    url = deployment.outputs[output or _API_URL]
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise OutputError(output or _API_URL, f"expected the URL of an API, got {url!r}")
    return deployment.api_client(url).get()


def values_here(deployment: Deployment) -> dict[str, object]:
    """Return the stack's outputs, and after each URL of API Gateway the one that answers on this machine."""
    shown: dict[str, object] = {}
    for name, value in deployment.outputs.values.items():
        shown[name] = value
        if _API_HOST in str(value) and not deployment.endpoint.is_aws:
            shown[f"{name} (here)"] = deployment.api_client(str(value)).base
    return shown


def functions(deployment: Deployment, wanted: Sequence[str]) -> list[str]:
    """Return the names of the stack's functions, or those that are wanted.

    Raises:
        SettingsError: A wanted one is none of the stack's.
    """
    known = sorted(found.values["function_name"] for found in deployment.resources("aws_lambda_function"))
    if unknown := [name for name in wanted if name not in known]:
        raise SettingsError("FUNCTION", expected=f"one of {', '.join(known)}", got=unknown[0])
    return list(wanted) or known


def logged(deployment: Deployment, names: Sequence[str], since: float) -> list[tuple[str, LogEvent]]:
    """Return what functions have logged since `since` (seconds since the epoch), oldest first."""
    found = [
        (name, event) for name in names for event in log_events(deployment.client("logs"), name, since=since)
    ]
    return sorted(found, key=lambda pair: pair[1].at)


def following(deployment: Deployment, names: Sequence[str], since: float) -> Iterator[tuple[str, LogEvent]]:
    """Yield what functions log, from `since` on and without an end."""
    seen: set[tuple[str, LogEvent]] = set()
    while not (how := deployment.endpoint.ended()):
        fresh = [pair for pair in logged(deployment, names, since) if pair not in seen]
        yield from fresh
        seen.update(fresh)
        since = max(since, time.time() - _LATENESS)
        time.sleep(FOLLOW_EVERY)
    raise HarnessError(f"the backend is gone: {how}")


@contextmanager
def reloading(settings: Settings) -> Iterator[Hot]:
    """Yield what has functions run sources as they are saved; afterwards they run their zips again."""
    reload = Hot(settings=settings)
    try:
        yield reload
    finally:
        reload.end()


def changes(settings: Settings) -> Iterator[list[Path]]:
    """Yield no files as soon as they are watched, then those that have changed, each time some have.

    Watched are Terraform's files and those that the Lambda zips are made from.

    Raises:
        SettingsError: The root does not exist.
    """
    folders = reached(settings.terraform_dir.resolve()) if settings.terraform_dir.is_dir() else []
    if not folders:
        raise SettingsError("HARNESS_TERRAFORM_DIR", expected="a directory", got=str(settings.terraform_dir))
    sources, zips = packages.watched(settings)
    only = _Sources(ignore_paths=[str(file) for file in zips])
    watched = watch(*folders, *sources, watch_filter=only, rust_timeout=200, yield_on_timeout=True)
    for number, changed in enumerate(watched):
        if changed or number == 0:
            yield sorted({settings.project / path for _, path in changed})


class _Sources(DefaultFilter):
    """Passes over what Terraform and Python write themselves."""

    ignore_dirs = (*DefaultFilter.ignore_dirs, ".terraform")
    ignore_entity_patterns = (*DefaultFilter.ignore_entity_patterns, r"\.tfstate", r"\.terraform\.lock\.hcl$")


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
    pattern = json.loads(rule["event_pattern"])
    event = patterns.matching(pattern)
    if detail:
        event = {**event, "detail": _object(detail)}
    if not patterns.matches(pattern, event):
        expected = f"a detail that the pattern of {rule['name']} matches: {rule['event_pattern']}"
        raise SettingsError("--detail", expected=expected, got=detail)
    return patterns.as_fired(event, rule["event_bus_name"] or "default")


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise SettingsError("--detail", expected="a JSON object", got=text)
    return value
