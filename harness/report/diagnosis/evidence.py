"""Evidence after a test: the hops of its events, refusals, logs."""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict, deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.aws import outbox
from harness.aws.logs import invocations
from harness.base import caller, emulator_log, gate
from harness.report import results, texts
from harness.report.diagnosis import artifacts, causes
from harness.stack import hops

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from harness.aws.calls import Call
    from harness.aws.logs import Invocation, LogEvent
    from harness.aws.rest import Request
    from harness.base.polling import Clock
    from harness.report.diagnosis.artifacts import LogReader, Recording
    from harness.report.diagnosis.sources import Sources
    from harness.stack.deployment import Deployment
    from harness.stack.hops import Hop, Trace
    from harness.values import FiredEvent, Sent

MOST_CALLS = 500  # AWS calls of a test that a report has, the last ones
SHARE = 0.03  # of a run's time, for the hops of tests that have passed
EVENTS = "how far it came"
FILES = "artifacts"

_COMPLAINTS = "what the emulator complained of"
_REFUSED = "what the harness refused, as it is not the emulator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The evidence after a test.

    Attributes:
        traces: How far its events came, the latest first.
        refused: The gate's refusals during the test.
        logs: The logs by name. Of functions, the part outside of invocations.
        invocations: The runs of the functions.
        calls: The AWS calls of the test, and those of functions and others during it.
        answer: The hop behind a 5xx of the API, if that was the answer to the test's last request, or behind
            the error with which a function answered the test's last invocation.
        sections: The sections of a failure in the terminal, by name.
    """

    traces: tuple[Trace, ...] = ()
    refused: tuple[str, ...] = ()
    logs: Mapping[str, str] = field(default_factory=dict)
    invocations: tuple[results.Invocation, ...] = ()
    calls: tuple[results.AwsCall, ...] = ()
    answer: Hop | None = None
    sections: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class TimeBudget:
    """Time for what is nice to have: it grows with the run, and is used up by what is done in it.

    Attributes:
        share: How much of the run's time it is.
        clock: The time to live by.
    """

    share: float = SHARE
    clock: Clock = time
    _begun: float = field(init=False)
    _spent: float = 0.0

    def __post_init__(self) -> None:
        """Begin with the run."""
        self._begun = self.clock.monotonic()

    @property
    def left(self) -> float:
        """The seconds that are left, at least 0."""
        return max(0.0, self.share * (self.clock.monotonic() - self._begun) - self._spent)

    @contextmanager
    def spending(self) -> Iterator[float]:
        """Yield the seconds that are left, and take off those that the context lasts."""
        begun = self.clock.monotonic()
        try:
            yield self.left
        finally:
            self._spent += self.clock.monotonic() - begun


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSearch:
    """The places to search after a test.

    Attributes:
        test: The test's node id.
        recording: The state of the logs at the beginning of the test.
        refused: The number of the gate's refusals by then.
        sources: The project's files.
        keeps: Whether the test's logs stay.
        reports: Whether a report or a trace needs the evidence.
        budget: The time that there is for the hops of a test that has passed.
    """

    test: str
    recording: Recording
    refused: int
    sources: Sources
    keeps: bool
    reports: bool
    budget: TimeBudget

    def evidence(self, held: Deployment, requests: Sequence[Request], *, failed: bool) -> Evidence:
        """Return the evidence.

        Args:
            held: The stack that the test works with.
            requests: The calls of the API that the test has made.
            failed: Whether it failed: only then an answer is explained, and the terminal shows something.
        """
        sent = outbox.sent_since(self.recording.begun, held.endpoint.place)
        traces = tuple(map(self._locate, self._traces(held, sent, failed=failed)))
        functions = artifacts.function_names(held)
        refused = self._refusals(held, functions)
        with _kept(self.recording, keeps=self.keeps) as recording:
            read = artifacts.log_reader(held, recording.begun)
            files = recording.keep(deployment=held, functions=functions, traces=traces, read=read)
            logs = {file.name: file.read_text("utf-8", "replace") for file in files}
        ran = _invocations(read, functions)
        found = Evidence(traces=traces, refused=refused, logs=logs)
        if self.reports:
            logs, shown = _apart(logs, read, ran)
            located = tuple(replace(each, error=self.sources.with_lines(each.error)) for each in shown)
            found = replace(found, logs=logs, invocations=located, calls=self._calls(held))
        if not failed:
            return found
        complaints = emulator_log.complaints(logs.get(artifacts.EMULATOR_LOG, ""))
        sections = {
            EVENTS: hops.format_briefly(traces),
            _REFUSED: "\n".join(refused),
            _COMPLAINTS: "\n".join(complaints),
            FILES: str(recording.folder) if self.keeps and files else "",
        }
        filled = {name: text for name, text in sections.items() if text}
        return replace(found, answer=self._answer([each for _, each in ran], requests), sections=filled)

    def _traces(
        self, held: Deployment, sent: Sequence[FiredEvent | Sent], *, failed: bool
    ) -> Sequence[Trace]:
        """Return the hops of what a test has sent: a failure is worth the wait."""
        if failed:
            return hops.trace_all(held.trace, sent)
        with self.budget.spending() as seconds:
            return hops.glance_all(held.trace, sent, seconds=seconds)

    def _refusals(self, held: Deployment, functions: Collection[str]) -> tuple[str, ...]:
        """Return the gate's refusals for the stack during the test.

        Other stacks may share the gate.

        Terraform's refusals are left out, because the error of the command lists them.
        """
        since = gate.refusals(held.endpoint.gate)[self.refused :]
        own = [refusal for refusal in since if refusal.asker.partition("/")[0] in {*functions, "emulator"}]
        return tuple(dict.fromkeys(map(str, own)))

    def _calls(self, held: Deployment) -> tuple[results.AwsCall, ...]:
        """Return the calls since the test began, without the harness's own and those of concurrent tests."""
        with suppress(Exception):  # most often: the backend keeps no request log
            since = self.recording.begun
            left_out = ("test:", caller.HARNESS)
            made = [
                call
                for call in held.calls(since=since)
                if call.by == f"test:{self.test}" or not call.by.startswith(left_out)
            ]
            return tuple(map(_aws_call, made[-MOST_CALLS:]))
        return ()

    def _answer(self, ran: Sequence[Invocation], requests: Sequence[Request]) -> Hop | None:
        """Return the hop behind a 5xx of the API, or else behind the error of a function that was invoked."""
        if causes.is_server_error(requests):
            answer = causes.hop_of_server_error(requests[-1], ran)
        elif (answered := outbox.last_answer()) and answered.error:
            answer = causes.hop_of_error(answered, ran)
        else:
            return None
        return replace(answer, seen=self.sources.with_lines(answer.seen))

    def _locate(self, trace: Trace) -> Trace:
        """Return the trace with the project's own files in place of those in the functions' zips."""
        located = tuple(replace(hop, seen=self.sources.with_lines(hop.seen)) for hop in trace.hops)
        return replace(trace, hops=located)


def report_texts(sections: Iterable[tuple[str, str]], logs: Mapping[str, str]) -> dict[str, str]:
    """Return the texts for a report, the functions' logs first, without those that it shows in another form.

    Args:
        sections: The sections in the terminal, by name.
        logs: The logs by name.
    """
    known = {**dict(sections), **logs}
    names = sorted(known, key=lambda name: not name.startswith("lambda-"))
    return {name: known[name] for name in names if name not in {EVENTS, FILES, artifacts.HOPS}}


@contextmanager
def _kept(recording: Recording, *, keeps: bool) -> Iterator[Recording]:
    """Yield the recording. Its folder is temporary unless its files are to be kept."""
    if keeps:
        yield recording
        return
    with tempfile.TemporaryDirectory(prefix="harness-artifacts-") as folder:
        yield replace(recording, folder=Path(folder))


def _invocations(read: LogReader, functions: Collection[str]) -> list[tuple[str, Invocation]]:
    """Return the invocations, each with its function.

    Functions with an unreadable log are left out.
    """
    found: list[tuple[str, Invocation]] = []
    for function in functions:
        with suppress(Exception):  # a diagnosis must not hide the failure
            found += ((function, each) for each in invocations(read(function)))
    return sorted(found, key=lambda each: each[1].begun)


def _apart(
    logs: Mapping[str, str], read: LogReader, ran: Sequence[tuple[str, Invocation]]
) -> tuple[dict[str, str], tuple[results.Invocation, ...]]:
    """Return the logs without those of invocations, and as many of the latest invocations as fit."""
    left, shown, room = dict(logs), deque[results.Invocation](), 2 * texts.LONGEST_TEXT
    events_of: defaultdict[str, set[LogEvent]] = defaultdict(set)
    for function, each in reversed(ran):
        log = "\n".join(map(artifacts.format_record, each.log))
        room -= len(log)
        if shown and room < 0:
            break
        events_of[function].update(each.log)
        shown.appendleft(
            results.Invocation(
                function=function,
                request_id=each.request_id,
                begun=each.begun,
                milliseconds=each.milliseconds,
                error=each.error,
                log=texts.ending(log),
            )
        )
    for function, events in events_of.items():
        rest = [artifacts.format_record(event) for event in read(function) if event not in events]
        left[artifacts.log_name(function)] = "\n".join(rest)
    return {name: text for name, text in left.items() if text}, tuple(shown)


def _aws_call(call: Call) -> results.AwsCall:
    return results.AwsCall(
        begun=call.time.timestamp(),
        seconds=call.ms / 1000,
        by=call.by,
        name=f"{call.service} {call.operation}",
        resource=next(iter(call.resources), ""),
        answer=call.error or str(call.status),
        ok=call.succeeded,
        request_id=call.request_id,
    )
