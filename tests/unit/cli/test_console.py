from __future__ import annotations

import io
import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, override

from harness.base.telemetry.timeline import Span
from harness.cli import console
from harness.terraform.events import EventLog

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


class _Screen(io.StringIO):
    """A terminal, or a file."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    @override
    def isatty(self) -> bool:
        return self._is_terminal


@contextmanager
def shown(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool) -> Iterator[io.StringIO]:
    """Show progress on a test's own screen while the context is open."""
    screen = _Screen(is_terminal=is_terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", screen)
    with console.followed(live=True):
        yield screen


def take(events: EventLog, how: str, name: str, action: str = "create") -> None:
    hook = {"resource": {"addr": name}, "action": action}
    events.take(json.dumps({"type": f"apply_{how}", "hook": hook}))


def plan(events: EventLog, resources: int) -> None:
    changes = {"operation": "plan", "add": resources, "change": 0, "remove": 0}
    told = {"type": "change_summary", "@message": f"Plan: {resources} to add", "changes": changes}
    events.take(json.dumps(told))


def test_a_terminal_has_a_bar_of_resources_and_tells_only_what_fails_or_takes_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events = EventLog()
    with shown(monkeypatch, is_terminal=True) as screen:
        plan(events, 3)
        for how, name in (("start", "aws_a.quick"), ("complete", "aws_a.quick"), ("start", "aws_b.broken")):
            take(events, how, name)
        take(events, "errored", "aws_b.broken")

    assert "  aws_b.broken failed after 0.0 s" in screen.getvalue()
    assert "aws_a.quick created in" not in screen.getvalue()
    assert "2/3 resources" in screen.getvalue()


def test_elsewhere_each_resource_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    events = EventLog()
    with shown(monkeypatch, is_terminal=False) as screen:
        plan(events, 1)
        take(events, "start", "aws_a.quick")
        take(events, "complete", "aws_a.quick")

    lines = [re.sub(r"^\[ *[\d.]+ s\] ", "", line) for line in screen.getvalue().splitlines()]
    assert lines == ["Plan: 1 to add", "  aws_a.quick created in 0.0 s"]


def test_the_summary_names_what_took_long() -> None:
    spans = console.Spans()
    for name, seconds in (("aws_a.x created", 0.2), ("aws_b.y created", 3.0), ("aws_c.z created", 0.1)):
        spans.ended.append(Span(kind="resource", name=name, begun=0.0, seconds=seconds))

    assert console.summary(spans, 0.0).endswith("3 resources changed; slowest: aws_b.y 3.0 s")
