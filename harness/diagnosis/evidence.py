"""What can be found out after a test: how far its events came, what was refused, its logs."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness import hops
from harness.aws import outbox
from harness.aws.logs import invocations, log_events
from harness.base import emulator_log, gate
from harness.diagnosis import artifacts, causes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from harness.aws.logs import Invocation
    from harness.aws.rest import Request
    from harness.deployment import Deployment
    from harness.diagnosis.artifacts import Recording
    from harness.diagnosis.sources import Sources
    from harness.hops import Hop, Trace

EVENTS = "how far it came"
FILES = "artifacts"

_COMPLAINTS = "what the emulator complained of"
_REFUSED = "what the harness refused, as it is not the emulator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What there is to be seen after a test.

    Attributes:
        traces: How far its events came, the latest first.
        refused: What the gate has refused meanwhile.
        logs: The logs by name.
        answer: What a 5xx of the API tells, if the test's last request was answered so.
        sections: What the terminal shows of a failure, by name.
    """

    traces: tuple[Trace, ...] = ()
    refused: tuple[str, ...] = ()
    logs: Mapping[str, str] = field(default_factory=dict)
    answer: Hop | None = None
    sections: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Where to look after a test.

    Attributes:
        recording: Where the logs stood when the test began.
        refused: How many requests the gate had refused by then.
        sources: The project's files.
        keeps: Whether the test's logs stay.
    """

    recording: Recording
    refused: int
    sources: Sources
    keeps: bool

    def evidence(self, held: Deployment, requests: Sequence[Request], *, failed: bool) -> Evidence:
        """Return what is found.

        Args:
            held: The stack that the test works with.
            requests: The calls of the API that the test has made.
            failed: Whether it failed: only then an answer is explained, and the terminal shows something.
        """
        sent = outbox.sent_since(self.recording.begun, held.endpoint.place)
        traces = tuple(map(self._located, hops.traced(held.trace, sent)))
        functions = artifacts.function_names(held)
        refused = self._refused(held, functions)
        with _kept(self.recording, keeps=self.keeps) as recording:
            files = recording.keep(deployment=held, functions=functions, traces=traces)
            logs = {file.name: file.read_text("utf-8", "replace") for file in files}
        if not failed:
            return Evidence(traces=traces, refused=refused, logs=logs)
        complaints = emulator_log.complaints(logs.get(artifacts.EMULATOR_LOG, ""))
        sections = {
            EVENTS: hops.told_briefly(traces),
            _REFUSED: "\n".join(refused),
            _COMPLAINTS: "\n".join(complaints),
            FILES: str(recording.folder) if self.keeps and files else "",
        }
        return Evidence(
            traces=traces,
            refused=refused,
            logs=logs,
            answer=self._answer(held, functions, requests),
            sections={name: text for name, text in sections.items() if text},
        )

    def _refused(self, held: Deployment, functions: Collection[str]) -> tuple[str, ...]:
        """Return what the gate has refused the stack meanwhile; other stacks may have the same gate.

        What it has refused Terraform is told by the error of the command.
        """
        since = gate.refusals(held.endpoint.gate)[self.refused :]
        own = [refusal for refusal in since if refusal.asker.partition("/")[0] in {*functions, "emulator"}]
        return tuple(dict.fromkeys(map(str, own)))

    def _answer(
        self, held: Deployment, functions: Collection[str], requests: Sequence[Request]
    ) -> Hop | None:
        if not causes.is_server_error(requests):
            return None
        answer = causes.answered(requests[-1], _invocations(held, functions, self.recording.begun))
        return replace(answer, seen=self.sources.located(answer.seen))

    def _located(self, trace: Trace) -> Trace:
        """Return the trace with the project's own files in place of those of the functions' zips."""
        located = tuple(replace(hop, seen=self.sources.located(hop.seen)) for hop in trace.hops)
        return replace(trace, hops=located)


def reported(sections: Iterable[tuple[str, str]], logs: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of a report: of what it shows in another way, nothing; the functions' logs first.

    Args:
        sections: What the terminal shows, by name.
        logs: The logs by name.
    """
    texts = {**dict(sections), **logs}
    names = sorted(texts, key=lambda name: not name.startswith("lambda-"))
    return {name: texts[name] for name in names if name not in {EVENTS, FILES, artifacts.HOPS}}


@contextmanager
def _kept(recording: Recording, *, keeps: bool) -> Iterator[Recording]:
    """Yield the recording, with a folder that goes with the context unless its files are to be kept."""
    if keeps:
        yield recording
        return
    with tempfile.TemporaryDirectory(prefix="harness-artifacts-") as folder:
        yield replace(recording, folder=Path(folder))


def _invocations(held: Deployment, functions: Collection[str], since: float) -> list[Invocation]:
    """Return the invocations since a moment; none of a function whose log can't be read."""
    found: list[Invocation] = []
    for function in functions:
        with suppress(Exception):  # a diagnosis must not hide the failure that it is about
            found += invocations(log_events(held.client("logs"), function, since=since))
    return found
