"""What a test run leaves to look at: how far events came, the logs of each test, and the report.

An `Observer` is a plugin of its own. Each process of a run has one; what those of pytest-xdist's workers have
seen goes to the controller's with the reports of the tests.
"""

from __future__ import annotations

import platform
import shlex
import shutil
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from harness import hops
from harness.aws import emulator_log, outbox, rest
from harness.aws.logs import invocations, log_events
from harness.base import caller, gate, timeline
from harness.deployment import Deployment
from harness.diagnosis import artifacts, causes, frames, report
from harness.diagnosis.report import Run, TestResult
from harness.diagnosis.sources import Sources
from harness.values import Endpoint

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator, Mapping, Sequence

    from harness.aws.logs import Invocation
    from harness.aws.rest import Request
    from harness.base.timeline import Span
    from harness.diagnosis.artifacts import Recording
    from harness.diagnosis.report import Outcome
    from harness.hops import Hop, Trace

type Keep = Literal["failed", "all", "none"]

_PART = "_harness_part"  # the attribute of a pytest report that goes to the controller
_FACTS = "_harness_facts"
_DISTRIBUTION = "terraform-lambda-harness"
_EVENTS = "how far it came"
_COMPLAINTS = "what the emulator complained of"
_REFUSED = "what the harness refused, as it is not the emulator"
_FILES = "artifacts"
_FIXTURES = frozenset({"harness_settings", "deployment"})  # each test that works with the harness has one
_MOST_TESTS = 10  # that are named below one cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be kept.

    Attributes:
        keep: Which tests' logs: those of failed ones, of all, or of none.
        folder: Where they go.
        report: The HTML file; None for none.
    """

    keep: Keep
    folder: Path
    report: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What there is to be seen after a test.

    Attributes:
        traces: How far its events came, the latest first.
        refused: What the gate has refused meanwhile.
        logs: The logs by name.
        answer: What a 5xx of the API tells, if the test's last request was answered so.
    """

    traces: tuple[Trace, ...] = ()
    refused: tuple[str, ...] = ()
    logs: Mapping[str, str] = field(default_factory=dict)
    answer: Hop | None = None


class Observer:
    """Watches the tests of one process.

    Args:
        wanted: What is to be kept.
        title: What runs.
        is_controller: Whether this process is the one that tells the user, and writes the report.
        root: The folder of the project.
    """

    def __init__(self, wanted: Wanted, *, title: str, is_controller: bool, root: Path) -> None:
        self._wanted = wanted
        self._title = title
        self._tells = is_controller
        self._sources = Sources(root)
        self._causes: list[tuple[str, str]] = []
        self._shown: set[str] = set()  # causes whose hops are in the terminal
        self._reporter: Any = None
        self._writes_report = is_controller and wanted.report is not None
        self._begun = time.time()
        self._spans: list[Span] = []
        self._requests: list[Request] = []
        self._parts: dict[tuple[str, str], list[TestResult]] = {}
        self._facts: dict[str, str] = {}
        self._recording: Recording | None = None
        self._refused = 0  # how many requests the gate had refused when the test began
        self._endpoint: Endpoint | None = None  # of the session, once a test has asked for it
        self._listening = ExitStack()
        self._listening.enter_context(timeline.listening(self._spans.append))
        self._listening.enter_context(rest.listening(self._requests.append))

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Find the terminal, which is made after the plugins are."""
        self._reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        frames.leave_out_progress(session.config)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Note where the logs stand when a test begins."""
        folder = self._wanted.folder / artifacts.folder_name(item.nodeid)
        shutil.rmtree(folder, ignore_errors=True)  # an earlier run's
        with (
            caller.test_of(item.nodeid),
            artifacts.recording(folder, endpoint=self._endpoint) as recording,
        ):
            self._recording = recording
            outbox.begin_test()
            self._refused = len(gate.refusals(self._endpoint.gate)) if self._endpoint else 0
            result = yield
            if folder.exists():
                recording.keep(endpoint=self._endpoint)  # with what the teardown has added
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add to a test's report what has been seen meanwhile."""
        concerns = not _FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))
        if concerns and call.excinfo:
            frames.hide()
        made = yield
        requests, spans = _drained(self._requests), _drained(self._spans)
        with caller.harness():
            seen = self._seen(item, made, requests) if made.when == "call" or made.failed else Seen()
        _drained(self._requests)  # looking calls the API too
        cause = ""
        if concerns and made.failed:
            cause = causes.cause_of(_said(made), seen.traces, seen.refused, seen.answer)
            self._leave_out_what_was_told(made, cause)
        part = TestResult(
            id=made.nodeid,
            outcome=_outcome(made),
            begun=made.start,
            seconds=made.duration,
            message=_message(made),
            cause=cause,
            hops=tuple(report.Trace(event=trace.sent.id, hops=trace.hops) for trace in seen.traces),
            sections={**dict(made.sections), **seen.logs},
            requests=requests,
            spans=spans,
        )
        setattr(made, _PART, part.to_json())
        self._endpoint = _endpoint_of(item) or self._endpoint
        setattr(made, _FACTS, _facts_of(self._endpoint))
        return made

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in the report of a test, from whatever process."""
        if not self._tells:
            return
        part = _part(report)
        if part.cause:
            if part.cause not in (cause for _, cause in self._causes):
                self._tell(f"✗ {part.id}: {part.cause}")
            self._causes.append((part.id, part.cause))
        if self._writes_report:
            node: Any = getattr(report, "node", None)
            worker = str(node.gateway.id) if node else ""
            self._parts.setdefault((worker, report.nodeid), []).append(replace(part, worker=worker))
            self._facts |= getattr(report, _FACTS, {})

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> Generator[None]:  # noqa: ANN401 - pytest's, without types
        """Write the report; and say last of all, after pytest's own summary, why tests failed."""
        yield
        if self._causes:
            self._tell_why(terminalreporter, config)
        if self._wanted.report is not None and self._writes_report:
            report.write(self._run(), self._wanted.report)
            terminalreporter.write_line(f"report: {self._wanted.report}")

    def pytest_unconfigure(self) -> None:
        """Stop listening."""
        self._listening.close()

    def _tell_why(self, terminal: Any, config: pytest.Config) -> None:  # noqa: ANN401 - pytest's, without types
        """Tell the causes, each with its tests; how to run those again; and where their logs are."""
        terminal.section("why")
        for cause, tests in causes.grouped(self._causes).items():
            terminal.write_line(f"✗ {cause}", red=True)
            for test in tests[:_MOST_TESTS]:
                terminal.write_line(f"    {test}")
            if len(tests) > _MOST_TESTS:
                terminal.write_line(f"    and {len(tests) - _MOST_TESTS} more")
        if config.pluginmanager.has_plugin("lfplugin"):  # not with `-p no:cacheprovider`
            given = [each for each in config.invocation_params.args if each not in {"--lf", "--last-failed"}]
            terminal.write_line(f"again: {shlex.join(['pytest', *given, '--last-failed'])}")
        if self._wanted.keep != "none" and self._wanted.folder.exists():
            terminal.write_line(f"logs: {self._wanted.folder}")

    def _tell(self, line: str) -> None:
        """Show a line at once, long before pytest tells what it has."""
        if self._reporter is not None:
            self._reporter.ensure_newline()
            self._reporter.write_line(line, red=True)

    def _leave_out_what_was_told(self, made: pytest.TestReport, cause: str) -> None:
        """Leave out the hops of a cause that another failure has shown, and the folder of all but the first.

        The report has the hops, and the last lines of the run name the folder of all.
        """
        told = {*([_FILES] if self._shown else []), *([_EVENTS] if cause in self._shown else [])}
        made.sections[:] = [(name, text) for name, text in made.sections if name not in told]
        self._shown.add(cause)

    def _seen(self, item: pytest.Item, made: pytest.TestReport, requests: Sequence[Request]) -> Seen:
        """Return what there is to be seen after a test; a failure is told of it."""
        held = _deployment_of(item)
        wants_all = self._wanted.report is not None or self._wanted.keep == "all"
        if held is None or not (made.failed or wants_all):
            return Seen()
        assert self._recording is not None  # noqa: S101 - the protocol's hook has set it
        sent = outbox.sent_since(self._recording.begun, held.endpoint.place)
        traces = tuple(map(self._located, hops.traced(held.trace, sent)))
        refused = self._refused_since(held.endpoint)
        keeps = self._wanted.keep == "all" or (self._wanted.keep == "failed" and made.failed)
        with _kept(self._recording, keeps=keeps) as recording:
            functions = artifacts.function_names(held)
            files = recording.keep(deployment=held, functions=functions, traces=traces)
            texts = {file.name: file.read_text("utf-8", "replace") for file in files}
        if made.failed:
            complaints = emulator_log.complaints(texts.get(artifacts.EMULATOR_LOG, ""))
            told = {
                _EVENTS: hops.told_briefly(traces),
                _REFUSED: "\n".join(refused),
                _COMPLAINTS: "\n".join(complaints),
                _FILES: str(recording.folder) if keeps and files else "",
            }
            made.sections += [(name, text) for name, text in told.items() if text]
        answer = None
        if made.failed and causes.is_server_error(requests):
            answer = causes.answered(requests[-1], _invocations(held, functions, self._recording.begun))
            answer = replace(answer, seen=self._sources.located(answer.seen))
        return Seen(traces=traces, refused=refused, logs=texts, answer=answer)

    def _located(self, trace: Trace) -> Trace:
        """Return the trace with the project's own files in place of those of the functions' zips."""
        found = tuple(replace(hop, seen=self._sources.located(hop.seen)) for hop in trace.hops)
        return replace(trace, hops=found)

    def _refused_since(self, endpoint: Endpoint) -> tuple[str, ...]:
        """Return what the gate has refused since the test began."""
        return tuple(dict.fromkeys(map(str, gate.refusals(endpoint.gate)[self._refused :])))

    def _run(self) -> Run:
        facts = {"python": platform.python_version(), _DISTRIBUTION: version(_DISTRIBUTION)}
        return Run(
            title=self._title,
            begun=self._begun,
            seconds=time.time() - self._begun,
            facts=self._facts | facts,
            spans=tuple(self._spans),
            tests=tuple(report.joined(parts) for parts in self._parts.values()),
        )


@contextmanager
def _kept(recording: Recording, *, keeps: bool) -> Iterator[Recording]:
    """Yield the recording, with a folder that goes with the context unless its files are to be kept."""
    if keeps:
        yield recording
        return
    with tempfile.TemporaryDirectory(prefix="harness-artifacts-") as folder:
        yield replace(recording, folder=Path(folder))


def _deployment_of(item: pytest.Item) -> Deployment | None:
    """Return the deployment that a test works with, if it has one: the most specific of its fixtures."""
    fixtures: Mapping[str, object] = getattr(item, "funcargs", {})
    deployments = [value for value in fixtures.values() if isinstance(value, Deployment)]
    return max(deployments, key=lambda value: len(type(value).__mro__), default=None)


def _invocations(held: Deployment, functions: Collection[str], since: float) -> list[Invocation]:
    """Return the invocations since a moment; none of a function whose log can't be read."""
    found: list[Invocation] = []
    for function in functions:
        with suppress(Exception):  # a diagnosis must not hide the failure that it is about
            found += invocations(log_events(held.client("logs"), function, since=since))
    return found


def _endpoint_of(item: pytest.Item) -> Endpoint | None:
    fixtures: Mapping[str, object] = getattr(item, "funcargs", {})
    found = fixtures.get("endpoint")
    return found if isinstance(found, Endpoint) else None


def _facts_of(found: Endpoint | None) -> dict[str, str]:
    return {"backend": found.backend, "endpoint": found.url or "AWS", "region": found.region} if found else {}


def _part(made: pytest.TestReport) -> TestResult:
    """Return what a process has seen; what a worker that crashed has seen went with it."""
    if told := getattr(made, _PART, ""):
        return TestResult.from_json(told)
    return TestResult(
        id=made.nodeid, outcome="failed", begun=time.time(), seconds=0.0, message=str(made.longrepr)
    )


def _outcome(made: pytest.TestReport) -> Outcome:
    if hasattr(made, "wasxfail"):
        return "xfailed" if made.skipped else "xpassed"
    if made.failed:
        return "failed" if made.when == "call" else "error"
    return "skipped" if made.skipped else "passed"


def _message(made: pytest.TestReport) -> str:
    if made.skipped and isinstance(made.longrepr, tuple):
        return str(made.longrepr[2])
    return made.longreprtext


def _said(made: pytest.TestReport) -> str:
    """Return the error alone, without the lines of source that led to it."""
    crash = getattr(made.longrepr, "reprcrash", None)
    return str(crash.message) if crash else made.longreprtext


def _drained[T](items: list[T]) -> tuple[T, ...]:
    taken = tuple(items)
    del items[: len(taken)]
    return taken
