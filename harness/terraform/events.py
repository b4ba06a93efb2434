"""The machine-readable output of Terraform: https://developer.hashicorp.com/terraform/internals/machine-readable-ui."""

from __future__ import annotations

import json
import logging
import re
import time
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from harness.base.telemetry import progress, timeline
from harness.base.telemetry.timeline import Span
from harness.errors import Diagnostic
from harness.terraform.hcl import input_variables
from harness.values import Change

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

log = logging.getLogger(__name__)

_DONE = {
    "create": "created",
    "update": "updated",
    "delete": "destroyed",
}
_PLACE = re.compile(r"on (\S+) line (\d+)")
_SHOWN = re.compile(r"on \S+ line \d+|\d+: ")  # a place in a file, or a source line
_FIRST_PROGRESS = 10  # seconds
# The headings that `init` prints above its errors.
_PREAMBLE = "Terraform encountered problems during initialisation"
# The part of an error of `init` that names the provider and the reason.
_NO_PROVIDER = re.compile(r"for\s+provider\s+(\S+):\s+(.+?)(?=\n(?:To see|Did you)|\Z)", re.DOTALL)
# The same for a module.
_NO_MODULE = re.compile(r'module\s+"([^"]+)"\s+\(\S+\)\s+(?:from|source\s+code\s+from)\s+(.+?)\Z', re.DOTALL)
# Waits inside the provider that no setting shortens, on any emulator and on AWS. For those of S3 see
# https://github.com/hashicorp/terraform-provider-aws/pull/41764
_OF_A_QUEUE = "the provider waits until the queue's attributes have stayed the same for 25 s"
_OF_RULES = "the provider waits until the rules have stayed the same for 50 s"
_WAITS = {
    "aws_s3_bucket_lifecycle_configuration": _OF_RULES,
    "aws_sqs_queue": _OF_A_QUEUE,
    "aws_sqs_queue_policy": _OF_A_QUEUE,
    "aws_sqs_queue_redrive_allow_policy": _OF_A_QUEUE,
    "aws_sqs_queue_redrive_policy": _OF_A_QUEUE,
}
# The values that the provider takes for an argument, if they would fill lines.
_MANY_VALUES = re.compile(r'one of \[("[^\]]{200,})\]')


@dataclass(slots=True)
class EventLog:
    """Reads the lines of one command, reports progress at once, and keeps the data for later.

    Attributes:
        diagnostics: The errors, in order.
        changes: The changes that a plan proposes.
        plain: The lines that are not events.
        last_news: The time of the last line, other than "still waiting" (`time.monotonic`).
    """

    diagnostics: list[Diagnostic] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    last_news: float = field(default_factory=time.monotonic)
    _begun: dict[str, float] = field(default_factory=dict)
    _pending: dict[str, None] = field(default_factory=dict)
    _warnings: set[str] = field(default_factory=set)

    def take(self, line: str) -> None:
        """Take one line of output."""
        event = _parse(line)
        if event.get("type") == "apply_progress":
            self._explain_wait(event["hook"])
            return
        self.last_news = time.monotonic()
        match event.get("type"):
            case None:
                self.plain.append(line)
            case "apply_start" | "refresh_start":
                self._pending[_address(event["hook"])] = None
                self._begin(_step(event["hook"]))
            case "apply_complete" | "apply_errored" | "refresh_complete" as how:
                self._pending.pop(_address(event["hook"]), None)
                self._end(_step(event["hook"]), ok=how == "apply_complete")
            case "planned_change":
                change = event["change"]
                self.changes.append(Change(address=change["resource"]["addr"], action=change["action"]))
            case "diagnostic":
                self._take_diagnostic(_diagnostic(event["diagnostic"]))
            case "change_summary":
                log.info("%s", event["@message"])
                self._tell_plan(event.get("changes", {}))

    def errors(self) -> list[Diagnostic]:
        """Return the errors.

        If there is none, return the other output as one.
        """
        lines = [line.strip(" │╷╵\t\r\n") for line in self.plain]
        if found := self.diagnostics or list(_errors_in(lines)):
            return [error for error in found if not error.summary.startswith(_PREAMBLE)] or found
        text = "\n".join(filter(None, lines))
        return [Diagnostic(severity="error", summary=text or "no reason given")]

    def pending(self) -> list[str]:
        """Return the addresses of the resources and data sources that are being worked on."""
        return list(self._pending)

    def _tell_plan(self, changes: dict[str, Any]) -> None:
        if changes.get("operation") == "plan":
            timeline.PLANNED.send(sum(changes.get(kind, 0) for kind in ("add", "change", "remove")))

    def _explain_wait(self, hook: dict[str, Any]) -> None:
        """Explain a long wait once, if the provider is known to wait there."""
        reason = _WAITS.get(hook["resource"].get("resource_type", ""))
        if reason and hook["action"] == "create" and hook.get("elapsed_seconds", 0) <= _FIRST_PROGRESS:
            log.info("  %s: %s", hook["resource"]["addr"], reason)

    def _begin(self, step: str) -> None:
        if step:
            self._begun[step] = time.time()
            timeline.BEGUN.send(step)

    def _end(self, step: str, *, ok: bool) -> None:
        if step:
            begun = self._begun.pop(step, time.time())
            seconds = time.time() - begun
            how = f"{step} in" if ok else f"{step.split(maxsplit=1)[0]} failed after"
            log.info("  %s %.1f s", how, seconds, extra=progress.STEP)
            timeline.ENDED.send(Span(kind="resource", name=step, begun=begun, seconds=seconds, ok=ok))

    def _take_diagnostic(self, diagnostic: Diagnostic) -> None:
        if diagnostic.severity == "error":
            self.diagnostics.append(diagnostic)
        elif str(diagnostic) not in self._warnings:  # each step of a command repeats them
            self._warnings.add(str(diagnostic))
            log.info("%s", diagnostic)


def _errors_in(lines: Sequence[str]) -> Iterator[Diagnostic]:
    """Yield the errors in text for people: each begins with `Error: ` and has a line with its place."""
    begins = [number for number, line in enumerate(lines) if line.startswith(("Error: ", "Warning: "))]
    for begin, end in pairwise([*begins, len(lines)]):
        severity, _, summary = lines[begin].partition(": ")
        places = [match for line in lines[begin + 1 : end] if (match := _PLACE.match(line))]
        detail = "\n".join(line for line in lines[begin + 1 : end] if line and not _SHOWN.match(line))
        if severity == "Error":
            location = f"{places[0][1]}:{places[0][2]}" if places else ""
            yield _in_one_line(
                Diagnostic(severity="error", summary=summary, detail=detail, location=location)
            )


def _in_one_line(error: Diagnostic) -> Diagnostic:
    """Say in one line which provider or module can't be had, and why, if that is the error."""
    for what, pattern in (("provider", _NO_PROVIDER), ("module", _NO_MODULE)):
        if match := pattern.search(error.detail):
            reason = " ".join(match[2].split())
            return replace(error, summary=f"the {what} {match[1]} can't be had: {reason}", detail="")
    return error


def diagnostics_of(report: str) -> list[Diagnostic]:
    """Return the diagnostics in the report that `validate -json` prints."""
    return [_diagnostic(each) for each in _parse(report).get("diagnostics", [])]


def _diagnostic(fields: dict[str, Any]) -> Diagnostic:
    place = fields.get("range") or {}
    location = f"{place['filename']}:{place['start']['line']}" if place else ""
    if location.rpartition("/")[2].startswith(f"{input_variables.FILE}:"):
        location = input_variables.TABLE
    return Diagnostic(
        severity=fields["severity"],
        summary=_MANY_VALUES.sub(_count, fields["summary"]),
        detail=fields.get("detail", ""),
        address=fields.get("address", ""),
        location=location,
    )


def _count(values: re.Match[str]) -> str:
    return f"one of {values[1].count('"') // 2} values"


def _parse(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        return {}
    return event if isinstance(event, dict) else {}


def _address(hook: dict[str, Any]) -> str:
    return str(hook["resource"]["addr"])


def _step(hook: dict[str, Any]) -> str:
    """Return the resource and its change, or an empty text if it is only read."""
    done = _DONE.get(hook.get("action", ""))
    return f"{_address(hook)} {done}" if done else ""
