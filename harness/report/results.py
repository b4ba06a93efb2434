"""The results of a run: its tests, and everything recorded during each of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from harness.aws.rest import Request
from harness.base.telemetry.actions import Action
from harness.base.telemetry.sections import Section
from harness.base.telemetry.timeline import Span
from harness.stack.hops import Hop

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.redaction import Redaction

type Outcome = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed"]

OUTCOMES: tuple[Outcome, ...] = ("failed", "error", "xpassed", "xfailed", "skipped", "passed")  # worst first


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The hops of an event, and its id, which is all that the report needs of it."""

    event: str
    hops: tuple[Hop, ...]

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """Return the trace that `plain` holds as JSON."""
        return cls(event=plain["event"], hops=tuple(Hop(**hop) for hop in plain["hops"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One run of a function.

    Attributes:
        function: The function's name.
        request_id: The id of its request.
        begun: Seconds since the epoch.
        milliseconds: The duration that Lambda reported. Empty if unknown.
        error: The reason for its failure. Empty if it succeeded.
        log: Its log, one line per record.
    """

    function: str
    request_id: str
    begun: float
    milliseconds: str = ""
    error: str = ""
    log: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsCall:
    """A call of the request log: see `harness.aws.calls.Call`.

    Attributes:
        begun: Seconds since the epoch.
        seconds: How long the answer took.
        by: The caller.
        name: Service and operation, such as `s3 PutObject`.
        resource: The ARN of the main resource. Empty if unknown.
        answer: The error code, or else the HTTP status.
        ok: Whether it succeeded.
        request_id: The id of the function's invocation that made it. Empty for other callers.
    """

    begun: float
    seconds: float
    by: str
    name: str
    resource: str = ""
    answer: str = ""
    ok: bool = True
    request_id: str = ""

    @property
    def name_and_answer(self) -> tuple[str, str]:
        """The common part of similar calls."""
        return self.name, self.answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The set-up, the call or the teardown of a test.

    Attributes:
        name: Which of them.
        outcome: How it ended.
        begun: Seconds since the epoch.
        seconds: How long it took.
        actions: Its actions, in the order of their ends.
    """

    name: str
    outcome: Outcome
    begun: float
    seconds: float
    actions: tuple[Action, ...] = ()

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """Return the part that `plain` holds as JSON."""
        return cls(**{**plain, "actions": tuple(Action(**action) for action in plain["actions"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """A test, or one phase of it (set-up, call, teardown), with everything recorded during it.

    Attributes:
        id: The node id.
        outcome: How it ended.
        begun: Seconds since the epoch.
        seconds: How long it took.
        worker: The process that ran it, such as `gw0`. Empty if there is only one.
        message: Why it did not pass, at length.
        cause: Why it failed, in one line.
        place: The failed line of the project, as `file:line`. Empty if unknown.
        parts: Set-up, call and teardown, as far as they ran.
        hops: The events it fired, each with how far it came.
        invocations: The runs of functions during it.
        calls: The AWS calls during it, if the backend has a request log.
        sections: Log texts by name.
        requests: The calls of the API.
        spans: The phases and resources that ended in the meantime.
    """

    __test__ = False  # for pytest: no class of tests

    id: str
    outcome: Outcome
    begun: float
    seconds: float
    worker: str = ""
    message: str = ""
    cause: str = ""
    place: str = ""
    parts: tuple[Part, ...] = ()
    hops: tuple[Trace, ...] = ()
    invocations: tuple[Invocation, ...] = ()
    calls: tuple[AwsCall, ...] = ()
    sections: Mapping[str, str] = field(default_factory=dict)
    requests: tuple[Request, ...] = ()
    spans: tuple[Span, ...] = ()

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """Return the test that `plain` holds as JSON."""
        held = {
            "parts": tuple(map(Part.of, plain["parts"])),
            "hops": tuple(map(Trace.of, plain["hops"])),
            "invocations": tuple(Invocation(**each) for each in plain.get("invocations", ())),
            "calls": tuple(AwsCall(**each) for each in plain.get("calls", ())),
            "requests": tuple(Request(**request) for request in plain["requests"]),
            "spans": tuple(Span(**span) for span in plain["spans"]),
        }
        return cls(**{**plain, **held})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the test that `to_json` wrote."""
        return cls.of(json.loads(text))

    def to_json(self) -> str:
        """Return the test as JSON, to go from a pytest-xdist worker to the controller."""
        return _json(self)

    def redacted(self, redaction: Redaction) -> Self:
        """Return the test without secrets."""
        return self.of(redaction.plain(json.loads(self.to_json())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of tests.

    Attributes:
        title: The title.
        begun: Seconds since the epoch.
        seconds: How long it took.
        facts: Further facts by name: the backend, versions, the endpoint, the command line.
        options: The options of `pytest`, without the tests, for running some of them again.
        spans: Phases and resources that no test holds.
        tests: The tests.
        sections: Further findings at the end.
    """

    title: str
    begun: float
    seconds: float
    facts: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    tests: tuple[TestResult, ...] = ()
    sections: tuple[Section, ...] = ()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the run that `to_json` wrote."""
        return cls.of(json.loads(text))

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """Return the run that `plain` holds as JSON."""
        held = {
            "options": tuple(plain["options"]),
            "spans": tuple(Span(**span) for span in plain["spans"]),
            "tests": tuple(map(TestResult.of, plain["tests"])),
            "sections": tuple(Section(**section) for section in plain.get("sections", ())),
        }
        return cls(**{**plain, **held})

    def to_json(self) -> str:
        """Return the run as JSON."""
        return _json(self)

    def redacted(self, redaction: Redaction) -> Self:
        """Return the run without secrets."""
        return self.of(redaction.plain(json.loads(self.to_json())))


def join_phases(parts: Iterable[TestResult]) -> TestResult:
    """Return the test whose phases are `parts`, in their order: its outcome is the worst of theirs.

    Raises:
        ValueError: There are no parts.
    """
    if not (phases := tuple(parts)):
        raise ValueError("expected the phases of a test, got none")
    begun = min(each.begun for each in phases)
    return TestResult(
        id=phases[0].id,
        outcome=min((each.outcome for each in phases), key=OUTCOMES.index),
        begun=begun,
        seconds=max(each.begun + each.seconds for each in phases) - begun,
        worker=phases[0].worker,
        message="\n\n".join(each.message for each in phases if each.message),
        cause=next((each.cause for each in phases if each.cause), ""),
        place=next((each.place for each in phases if each.place), ""),
        parts=tuple(part for each in phases for part in each.parts),
        hops=tuple(trace for each in phases for trace in each.hops),
        # The sections of a failed teardown include those of the call.
        invocations=next((each.invocations for each in reversed(phases) if each.invocations), ()),
        calls=next((each.calls for each in reversed(phases) if each.calls), ()),
        sections={name: text for each in phases for name, text in each.sections.items()},
        requests=tuple(request for each in phases for request in each.requests),
        spans=tuple(span for each in phases for span in each.spans),
    )


def _json(value: Run | TestResult) -> str:
    return json.dumps(value, default=_plain)


def _plain(value: object) -> dict[str, Any]:
    if is_dataclass(value):
        return {item.name: getattr(value, item.name) for item in fields(value)}
    raise TypeError(f"expected a value of the report, got {value!r}")
