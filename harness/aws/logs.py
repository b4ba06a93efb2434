"""Read the logs of functions, and split them into invocations."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.aws import outbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Lambda's own lines in its log formats Text and JSON:
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
_START = re.compile(r'START RequestId: (\S+)|\{.*"type":\s*"platform\.start".*"requestId":\s*"([^"]+)"')
_END = re.compile(r'END RequestId: |REPORT RequestId: |\{.*"type":\s*"platform\.(runtimeDone|report)"')
_DURATION = re.compile(r'Duration: ([\d.]+) ms|"durationMs":\s*([\d.]+)')
# The format of an error in Node.js, as text and as JSON, and of other runtimes in JSON:
# https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html
_OF_NODE = r"\S+Z\t\S+\tERROR\t(?:Invoke Error|Uncaught Exception|Unhandled Promise Rejection)\s+(?=\{)"
_AS_JSON = re.compile(rf"(?:{_OF_NODE})?(?P<error>\{{.*\"errorType\":.*)", re.DOTALL)
# The messages with which a runtime, or Lambda itself, reports a failed invocation.
_EXIT = re.compile(r"RequestId: \S+ Error: (?P<reason>.*)\n(?P<kind>Runtime\.\w+)\s*")
_FAILURE = re.compile(
    rf"{_OF_NODE}|"
    r"RequestId: \S+ Error: |"
    r"\[ERROR\] |Traceback \(most recent call last\)|.*Task timed out after"
    r"|REPORT .*\tStatus: (error|timeout)"
    r'|\{(?=.*"errorType":).*"stackTrace":|\{.*"type":\s*"platform\.(report|runtimeDone)".*"status":\s*"(error|failure|timeout)"'
)
# A record that the function itself logged as an error. The invocation may still have succeeded.
_COMPLAINT = re.compile(
    r'\[(ERROR|CRITICAL)\]\t|\S+Z\t\S+\t(ERROR|FATAL)\t|\{.*"(log_)?level":\s*"(ERROR|CRITICAL|FATAL)"'
)
# How a traceback names the error, at the start of a line.
_RAISED = re.compile(r"[A-Za-z_][\w.]*(: |$)")
_CLOCKS_DIFFER = 0.5  # seconds, between the clocks of this machine and of the log
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """One message of a function's log: its stream, seconds since the epoch, and the text."""

    stream: str
    at: float
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One attempt of a function.

    Attributes:
        request_id: The id of its request.
        begun: When it was logged to begin, in seconds since the epoch.
        messages: The log messages. A failed start of its environment follows the first line.
        log: The same with their times, in order.
    """

    request_id: str
    begun: float
    messages: tuple[str, ...]
    log: tuple[LogEvent, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether Lambda has logged its end."""
        return any(map(_END.match, self.messages))

    @property
    def failure(self) -> tuple[str, ...]:
        """The lines from the first sign of a failure on. Empty if it succeeded."""
        return self._lines_from(_FAILURE)

    @property
    def error(self) -> str:
        """The failure in one line. Empty if it succeeded."""
        if not self.failure:
            return ""
        if self.failure[0].startswith("Traceback"):
            return next((line for line in reversed(self.failure) if _RAISED.match(line)), self.failure[0])
        return self.failure[0].removeprefix("[ERROR] ")

    @property
    def complaint(self) -> tuple[str, ...]:
        """The lines from the first error on that the function itself has logged."""
        return self._lines_from(_COMPLAINT)

    @property
    def mentions(self) -> frozenset[str]:
        """The UUIDs in its log."""
        return frozenset(found for message in self.messages for found in _UUID.findall(message))

    @property
    def milliseconds(self) -> str:
        """The duration that Lambda reported. Empty until then."""
        reported = (_DURATION.search(message) for message in self.messages if _END.match(message))
        return next((found[1] or found[2] for found in reported if found), "")

    def _lines_from(self, sign: re.Pattern[str]) -> tuple[str, ...]:
        first = next((place for place, message in enumerate(self.messages) if sign.match(message)), None)
        if first is None:
            return ()
        others = [m for m in self.messages[first + 1 :] if not _END.match(m) or sign.match(m)]
        return tuple(line for message in (self.messages[first], *others) for line in _readable(message))


def _readable(message: str) -> list[str]:
    """Return the lines of a message. Of an error in JSON, return its text and where it was raised.

    The end of a runtime reads as other errors do, such as `Runtime.ExitError: Runtime exited with error: …`.
    """
    if ended := _EXIT.fullmatch(message):
        return [f"{ended['kind']}: {ended['reason']}"]
    match = _AS_JSON.match(message)
    try:
        error = json.loads(match["error"]) if match else {}
    except json.JSONDecodeError:
        error = {}
    inner = error.get("message")
    error = inner if isinstance(inner, dict) else error  # Node.js, if the function logs in JSON
    if "errorType" not in error:
        return message.splitlines()
    head = f"{error['errorType']}: {error.get('errorMessage', '')}"
    stack = error.get("stackTrace") or error.get("stack") or ()
    text = "\n".join(map(str, (stack,) if isinstance(stack, str) else stack))
    return [head, *(line for line in text.splitlines() if line.strip() and line != head)]


def log_events(client: Any, function: str, *, since: float = 0.0) -> list[LogEvent]:  # noqa: ANN401 - boto3's
    """Return the log of `function`, oldest first.

    Lambda makes the log group at the first invocation, so a function that has never run has logged nothing.

    Args:
        client: A boto3 client of CloudWatch Logs.
        function: The function's name.
        since: The earliest time, in seconds since the epoch.
    """
    return group_events(client, f"/aws/lambda/{function}", since=since)


def group_events(client: Any, group: str, *, since: float = 0.0) -> list[LogEvent]:  # noqa: ANN401 - boto3's
    """Return the records of a log group, oldest first, or nothing if there is no such group yet."""
    pages = client.get_paginator("filter_log_events")
    wanted = pages.paginate(logGroupName=group, startTime=int(since * 1000))
    try:
        logged = [_log_event(event) for page in wanted for event in page["events"]]
    except client.exceptions.ResourceNotFoundException:
        return []
    return sorted(logged, key=lambda event: event.at)


def lines_of_test(log: Sequence[LogEvent]) -> list[str]:
    """Return the lines since the test began, below a note with the number of older ones.

    Outside pytest it returns all lines.
    """
    begun = outbox.test_begun() - _CLOCKS_DIFFER
    older = sum(event.at < begun for event in log)
    note = [f"[{older} older line{'s' * (older > 1)}, from before the test]"] if older else []
    return note + [event.message.rstrip("\n") for event in log if event.at >= begun]


def _log_event(event: Mapping[str, Any]) -> LogEvent:
    return LogEvent(stream=event["logStreamName"], at=event["timestamp"] / 1000, message=event["message"])


def invocations(log: Iterable[LogEvent]) -> list[Invocation]:
    """Return the invocations that begin in `log`, in the order of their beginnings."""
    found = [invocation for stream in _streams(log) for invocation in _split(stream)]
    return sorted(found, key=lambda invocation: invocation.begun)


def _streams(log: Iterable[LogEvent]) -> list[list[LogEvent]]:
    streams: defaultdict[str, list[LogEvent]] = defaultdict(list)
    for event in log:
        streams[event.stream].append(event)
    return list(streams.values())


def mentioning(log: Sequence[LogEvent], text: str) -> list[LogEvent]:
    """Return the invocations whose log contains `text`, or the whole log if `text` is empty."""
    return [
        event
        for stream in _streams(log)
        for invocation in _each(stream)
        if any(text in each.message for each in invocation)
        for event in invocation
    ]


def _each(stream: Sequence[LogEvent]) -> list[Sequence[LogEvent]]:
    """Split a stream into the part before the first invocation, and each invocation."""
    starts = [place for place, event in enumerate(stream) if _START.match(event.message)]
    return [stream[start:end] for start, end in zip([0, *starts], [*starts, len(stream)], strict=True)]


def _split(stream: Sequence[LogEvent]) -> list[Invocation]:
    starts = [place for place, event in enumerate(stream) if _START.match(event.message)]
    ends = [*starts[1:], len(stream)]
    return [
        _invocation(stream[start:end], _failed_init(stream[:start]))
        for start, end in zip(starts, ends, strict=False)
    ]


def _failed_init(before: Sequence[LogEvent]) -> tuple[LogEvent, ...]:
    """Return the log of an environment's start, right before an invocation, if the start failed."""
    over = (place + 1 for place in reversed(range(len(before))) if _END.match(before[place].message))
    events = tuple(before[next(over, 0) :])
    messages = [event.message for event in events]
    has_started = any(map(_START.match, messages))  # another invocation, whose end is not logged
    return events if any(map(_FAILURE.match, messages)) and not has_started else ()


def _invocation(log: Sequence[LogEvent], failed_init: tuple[LogEvent, ...]) -> Invocation:
    start = _START.match(log[0].message)
    request_id = (start[1] or start[2]) if start else ""
    messages = tuple(event.message.rstrip() for event in (log[0], *failed_init, *log[1:]))
    return Invocation(request_id=request_id, begun=log[0].at, messages=messages, log=(*failed_init, *log))
