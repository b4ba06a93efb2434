"""The machine-readable output of Terraform: https://developer.hashicorp.com/terraform/internals/machine-readable-ui."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, field
from typing import Any

from harness.base import timeline
from harness.base.timeline import Span
from harness.errors import Diagnostic
from harness.values import Change

log = logging.getLogger(__name__)

_DONE = {
    "create": "created",
    "update": "updated",
    "delete": "destroyed",
}


@dataclass(slots=True)
class EventLog:
    """Takes the lines of one command: tells progress as it comes, and keeps what is asked for afterwards.

    Attributes:
        diagnostics: The errors, in order.
        changes: The changes that a plan proposes.
        plain: The lines that are no events.
    """

    diagnostics: list[Diagnostic] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    _begun: dict[str, float] = field(default_factory=dict)

    def take(self, line: str) -> None:
        """Take one line of output."""
        event = _parsed(line)
        match event.get("type"):
            case None:
                self.plain.append(line)
            case "apply_start":
                self._begin(_step(event["hook"]))
            case "apply_complete" | "apply_errored" as how:
                self._end(_step(event["hook"]), ok=how == "apply_complete")
            case "planned_change":
                self.changes.append(_change(event["change"]))
            case "diagnostic":
                self._take_diagnostic(_diagnostic(event["diagnostic"]))
            case "change_summary":
                log.info("%s", event["@message"])

    def errors(self) -> list[Diagnostic]:
        """Return the errors told; what was printed besides stands in where there is none."""
        if self.diagnostics:
            return self.diagnostics
        text = "\n".join(filter(None, map(str.strip, self.plain)))
        return [Diagnostic(severity="error", summary=text or "no reason given")]

    def _begin(self, step: str) -> None:
        if step:
            self._begun[step] = time.time()
            timeline.begin(step)

    def _end(self, step: str, *, ok: bool) -> None:
        if step:
            begun = self._begun.pop(step, time.time())
            seconds = time.time() - begun
            log.info(
                "  %s %.1f s", f"{step} in" if ok else f"{step.split(maxsplit=1)[0]} failed after", seconds
            )
            timeline.tell(Span(kind="resource", name=step, begun=begun, seconds=seconds, ok=ok))

    def _take_diagnostic(self, told: Diagnostic) -> None:
        if told.severity == "error":
            self.diagnostics.append(told)
        else:
            log.info("%s", told)


def diagnostics_of(report: str) -> list[Diagnostic]:
    """Return the diagnostics in the report that `validate -json` prints."""
    return [_diagnostic(told) for told in _parsed(report).get("diagnostics", [])]


def _diagnostic(told: dict[str, Any]) -> Diagnostic:
    place = told.get("range") or {}
    location = f"{place['filename']}:{place['start']['line']}" if place else ""
    return Diagnostic(
        severity=told["severity"],
        summary=told["summary"],
        detail=told.get("detail", ""),
        address=told.get("address", ""),
        location=location,
    )


def _parsed(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        return {}
    return event if isinstance(event, dict) else {}


def _step(hook: dict[str, Any]) -> str:
    """Return the resource with what is done to it; empty for a data source, whose reading is no news."""
    done = _DONE.get(hook["action"])
    return f"{hook['resource']['addr']} {done}" if done else ""


def _change(change: dict[str, Any]) -> Change:
    return Change(address=change["resource"]["addr"], action=change["action"])
