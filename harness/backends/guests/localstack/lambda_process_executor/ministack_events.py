"""Log groups as targets of EventBridge on MiniStack 1.5.33, which has no such targets."""

from __future__ import annotations

import json
import time
from functools import wraps
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ministack.services import cloudwatch_logs, eventbridge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    type Target = Mapping[str, Any]

_LOGS = ":logs:"


def install() -> None:
    """Let a rule write its events into log groups."""
    eventbridge._invoke_target = _with_log_groups(eventbridge._invoke_target)  # noqa: SLF001 - the version is pinned


def _with_log_groups(known: Callable[..., None]) -> Callable[..., None]:
    @wraps(known)
    def invoke(target: Target, event: Any, rule: Any, view: Any = None) -> None:  # noqa: ANN401 - MiniStack's
        if _LOGS not in target["Arn"]:
            return known(target, event, rule, view)
        seen = view or eventbridge._pattern_event_view(event)  # noqa: SLF001
        return _write(target["Arn"].split(":")[6], _line(target, rule, seen))

    return invoke


def _line(target: Target, rule: Any, view: Any) -> dict[str, Any]:  # noqa: ANN401 - MiniStack's
    """Return the event as a line of a log, or the line that an input transformer makes of it.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html
    """
    line = {"timestamp": int(time.time() * 1000), "message": json.dumps(view.event_with_detail())}
    if transformer := target.get("InputTransformer"):
        line |= json.loads(eventbridge._apply_input_transformer(transformer, rule, view))  # noqa: SLF001
    return line


def _write(group: str, line: dict[str, Any]) -> None:
    place = {"logGroupName": group, "logStreamName": str(uuid4())}
    cloudwatch_logs._create_log_stream(place)  # noqa: SLF001
    cloudwatch_logs._put_log_events({**place, "logEvents": [line]})  # noqa: SLF001
