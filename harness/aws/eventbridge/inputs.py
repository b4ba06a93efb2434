"""The inputs of a schedule's targets: the scheduled event, or the input configured in Terraform.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
"""

from __future__ import annotations

import json
import re
from datetime import UTC
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from harness.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from harness.values import Resource

type Event = dict[str, Any]

_STEP = re.compile(r"\.([\w/-]+)|\[(\d+|\*)\]")
_VARIABLE = re.compile(r"<([\w.-]+)>")
_QUOTE = re.compile(r'(?<!\\)"')


def stamp(moment: datetime) -> str:
    """Return a time as events have it, such as `2026-01-01T09:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def scheduled_event(schedule: Resource, moment: datetime) -> Event:
    """Return the event that AWS makes when a rule or a schedule of EventBridge Scheduler is due.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
    """
    arn = str(schedule.values["arn"])
    is_scheduler = schedule.type == "aws_scheduler_schedule"
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler" if is_scheduler else "aws.events",
        "account": arn.split(":")[4],
        "time": stamp(moment),
        "region": arn.split(":")[3],
        "resources": [arn],
        "detail": "{}" if is_scheduler else {},
    }


def of_schedule(schedule: Resource, target: Mapping[str, Any], event: Event) -> str:
    """Return the input of Scheduler's target: the configured one with its context, or the event."""
    context = {
        "schedule-arn": str(schedule.values["arn"]),
        "scheduled-time": str(event["time"]),
        "execution-id": uuid4().hex[:16],
        "attempt-number": "1",
    }
    text = str(target.get("input") or "")
    for name, value in context.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text or _compact(event)


def of_rule(rule: Resource, target: Mapping[str, Any], event: Event) -> str:
    """Return a rule's input for a target: configured, selected, from a template, or the event itself."""
    if target.get("input"):
        return str(target["input"])
    if path := target.get("input_path"):
        part = select(str(path), event)
        if part is None:
            raise TargetError(
                rule.address, str(target["arn"]), expected=f"an input_path that the event has, not {path}"
            )
        return _compact(part)
    for transformer in target.get("input_transformer") or []:
        text = _fill(str(transformer["input_template"]), _variables(rule, transformer, event))
        return _check(rule, target, text)
    return _compact(event)


def select(path: str, value: object) -> Any:  # noqa: ANN401 - any JSON value
    """Select the part of a JSON value at a path such as `$.resources[0]`.

    Returns None if there is none.

    It supports the same subset of JSON Path as EventBridge: names, indices and `[*]`.
    """
    steps = list(_STEP.finditer(path, 1))
    if not path.startswith("$") or "".join(step[0] for step in steps) != path[1:]:
        return None
    for number, step in enumerate(steps):
        name, index = step.groups()
        if index == "*":
            rest = "$" + "".join(later[0] for later in steps[number + 1 :])
            return [select(rest, each) for each in value] if isinstance(value, list) else None
        if name is not None:
            value = value.get(name) if isinstance(value, dict) else None
        elif isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            return None
    return value


def _variables(rule: Resource, transformer: Mapping[str, Any], event: Event) -> dict[str, Any]:
    """Return the variables of a template: its own, and those defined by EventBridge."""
    own = {name: select(str(path), event) for name, path in (transformer.get("input_paths") or {}).items()}
    return own | {
        "aws.events.rule-arn": rule.values["arn"],
        "aws.events.rule-name": rule.values["name"],
        "aws.events.event.ingestion-time": event["time"],
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": event,
    }


def _fill(template: str, variables: Mapping[str, Any]) -> str:
    """Return a template with its variables filled in.

    A variable that is not in the event is empty. Inside quotes a text is inserted unchanged. Outside quotes a
    variable becomes a JSON value. If the template is a text, values that are no texts lose their quotes.
    """
    is_json = template.lstrip().startswith(("{", "["))

    def value_of(match: re.Match[str]) -> str:
        if match[1] not in variables:
            return match[0]
        value = "" if variables[match[1]] is None else variables[match[1]]
        is_quoted = len(_QUOTE.findall(template, 0, match.start())) % 2 == 1
        if isinstance(value, str):
            return value if is_quoted or not is_json else _compact(value)
        return _compact(value) if is_json else _compact(value).replace('"', "")

    return _VARIABLE.sub(value_of, template)


def _check(rule: Resource, target: Mapping[str, Any], text: str) -> str:
    """Return a filled template, minified if it is JSON."""
    if not text.lstrip().startswith(("{", "[")):
        return text.strip()
    try:
        return _compact(json.loads(text))
    except ValueError:
        raise TargetError(
            rule.address, str(target["arn"]), expected=f"an input_template that becomes JSON, not {text}"
        ) from None


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
