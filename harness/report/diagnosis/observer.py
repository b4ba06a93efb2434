"""Observe a test run, and keep the hops of events, the logs of each test, and the report.

An `Observer` is a plugin. Each process of a run has one. Those of pytest-xdist's workers send their findings
to the controller along with the reports of the tests.
"""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.aws import outbox, rest
from harness.base import caller, gate
from harness.base.telemetry import actions, sections, timeline
from harness.redaction import Redaction
from harness.report import results, texts
from harness.report.diagnosis import artifacts, causes, evidence, frames, phases, summary, surroundings
from harness.report.diagnosis.evidence import Evidence, EvidenceSearch, TimeBudget
from harness.report.diagnosis.sources import Sources
from harness.report.diagnosis.summary import DiagnosisOptions, Files
from harness.report.results import TestResult
from harness.settings import Settings
from harness.stack.deployment import Deployment
from harness.values import Endpoint

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from harness.aws.rest import Request
    from harness.base.telemetry.actions import Action
    from harness.base.telemetry.timeline import Span
    from harness.report.diagnosis.artifacts import Recording

_PART = "_harness_part"  # the attribute of a pytest report that travels to the controller
_KNOWN = "_harness_known"  # facts, and the options of the run
_FIXTURES = frozenset({"harness_settings", "deployment"})  # each test that works with the harness has one


class Observer:
    """Watches the tests of one process.

    Args:
        wanted: The files to keep.
        config: The configuration of the run.
        is_controller: Whether this process prints to the terminal and writes the report.
    """

    def __init__(self, wanted: DiagnosisOptions, config: pytest.Config, *, is_controller: bool) -> None:
        self._wanted = wanted
        self._config = config
        self._tells = is_controller
        self._files = Files(wanted=wanted, config=config) if is_controller and wanted.records else None
        self._sources = Sources(config.rootpath)
        self._budget = TimeBudget()
        self._causes: list[tuple[str, str]] = []
        self._shown: set[str] = set()  # causes whose hops are in the terminal
        self._reporter: Any = None
        self._spans: list[Span] = []
        self._requests: list[Request] = []
        self._actions: list[Action] = []
        self._settings: Settings | None = None
        self._facts: dict[str, str] = {}
        self._options: list[str] = []
        self._redaction = Redaction()
        self._state: object = None  # the basis of facts and redaction
        self._recording: Recording | None = None
        self._refused = 0  # how many requests the gate had refused when the test began
        self._endpoint: Endpoint | None = None  # of the session, once a test has asked for it
        self._listening = ExitStack()
        if self._files:
            self._listening.enter_context(sections.READY.heard_by(self._files.sections.append))
        self._listening.enter_context(timeline.ENDED.heard_by(self._spans.append))
        self._listening.enter_context(rest.REQUESTS.heard_by(self._requests.append))
        if wanted.records:
            self._listening.enter_context(actions.ENDED.heard_by(self._actions.append))

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Find the terminal, which is made after the plugins are."""
        self._reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        frames.leave_out_progress(session.config)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Record the state of the logs when a test begins."""
        folder = self._wanted.folder / artifacts.folder_name(item.nodeid)
        shutil.rmtree(folder, ignore_errors=True)  # an earlier run's
        with suppress(OSError):
            self._wanted.trace_of(item.nodeid).unlink()
        with (
            caller.test_of(item.nodeid),
            artifacts.recording(folder, endpoint=self._endpoint) as recording,
        ):
            self._recording = recording
            outbox.begin_test()
            self._refused = len(gate.refusals(self._endpoint.gate)) if self._endpoint else 0
            result = yield
            if folder.exists():
                recording.keep(endpoint=self._endpoint)  # including the lines of the teardown
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self) -> Generator[None, object, object]:
        """Note the settings: a test whose stack can't be applied has secrets, too."""
        value = yield
        if isinstance(value, Settings):
            self._settings = value
        return value

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the evidence to a test's report."""
        concerns = not _FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))
        if concerns and call.excinfo:
            frames.hide()
        made = yield
        requests, spans, done = _drain(self._requests), _drain(self._spans), _drain(self._actions)
        with caller.harness():
            seen = self._evidence(item, made, requests)
        made.sections += seen.sections.items()
        _drain(self._requests)  # looking calls the API too
        _drain(self._actions)
        cause = ""
        if concerns and made.failed:
            cause = causes.cause_of(phases.error(made), seen.traces, seen.refused, seen.answer)
            self._leave_out_repetitions(made, cause)
        part = TestResult(
            id=made.nodeid,
            outcome=phases.outcome(made),
            begun=made.start,
            seconds=made.duration,
            message=phases.message(made),
            cause=cause,
            place=self._sources.relative(causes.place_of(cause) or phases.crash(made)),
            parts=(phases.part(made, done, self._sources),),
            hops=tuple(results.Trace(event=trace.sent.id, hops=trace.hops) for trace in seen.traces),
            invocations=seen.invocations,
            calls=seen.calls,
            sections=evidence.report_texts(made.sections, seen.logs),
            requests=requests,
            spans=spans,
        )
        self._endpoint = _fixture(item, Endpoint) or self._endpoint
        setattr(made, _PART, self._redact(part, item).to_json())
        setattr(made, _KNOWN, (self._facts, self._options))
        return made

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in the report of a test from any process."""
        if not self._tells:
            return
        part = _part_of(report)
        if part.cause:
            if part.cause not in (cause for _, cause in self._causes):
                self._tell(f"✗ {part.id}: {part.cause}")
            self._causes.append((part.id, part.cause))
        if self._files:
            node: Any = getattr(report, "node", None)
            self._files.note(*getattr(report, _KNOWN, ({}, ())))
            part = replace(part, worker=str(node.gateway.id) if node else "")
            self._files.take(part, report.when, self._redaction)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> Generator[None]:  # noqa: ANN401 - pytest's, without types
        """Write the report, and print the causes of failures last, after pytest's own summary."""
        yield
        if self._causes:
            keeps = self._wanted.keep != "none" and self._wanted.folder.exists()
            summary.tell(self._causes, terminalreporter, config, self._wanted.folder if keeps else None)
        if self._files:
            self._files.finish(self._spans, self._redaction, terminalreporter)

    def pytest_unconfigure(self) -> None:
        """Stop listening."""
        self._listening.close()

    def _tell(self, line: str) -> None:
        """Show a line at once, long before pytest prints its output."""
        if self._reporter is not None:
            self._reporter.ensure_newline()
            if self._config.get_terminal_writer().width_of_current_line:  # with `-q`, after `F`
                self._reporter.line("")
            self._reporter.write_line(line, red=True)

    def _leave_out_repetitions(self, made: pytest.TestReport, cause: str) -> None:
        """Leave out the hops of a cause that another failure has shown, and the folder of all but the first.

        The report has the hops, and the last lines of the run name the folder of all.
        """
        repeated = {
            *([evidence.FILES] if self._shown else []),
            *([evidence.EVENTS] if cause in self._shown else []),
        }
        made.sections[:] = [(name, text) for name, text in made.sections if name not in repeated]
        self._shown.add(cause)

    def _evidence(self, item: pytest.Item, made: pytest.TestReport, requests: Sequence[Request]) -> Evidence:
        """Return the evidence after a test, if it failed or is part of a report."""
        held = _deployment_of(item)
        reports_all = self._wanted.report is not None or self._wanted.tracing == "on"
        wants_all = reports_all or self._wanted.keep == "all"
        if held is None or not (made.failed or (made.when == "call" and wants_all)):
            return Evidence()
        assert self._recording is not None  # noqa: S101 - the protocol's hook has set it
        keeps = self._wanted.keep == "all" or (self._wanted.keep == "failed" and made.failed)
        search = EvidenceSearch(
            test=item.nodeid,
            recording=self._recording,
            refused=self._refused,
            sources=self._sources,
            keeps=keeps,
            reports=self._wanted.records,
            budget=self._budget,
        )
        return search.evidence(held, requests, failed=made.failed)

    def _redact(self, part: TestResult, item: pytest.Item) -> TestResult:
        """Return the part without secrets if a file will hold it, and remember facts about the stack."""
        if not self._wanted.records:
            return part
        settings, held = _fixture(item, Settings) or self._settings, _deployment_of(item)
        state = (held.terraform.state, artifacts.mtime_of(held.terraform.state)) if held else None
        if settings and self._state != (settings, state):
            self._state = (settings, state)
            self._facts |= surroundings.facts(settings, self._endpoint, held)
            self._redaction = Redaction(self._redaction.secrets | surroundings.secrets(settings, held))
            self._facts["command"] = surroundings.command(self._config, self._redaction)
            self._options = surroundings.options(self._config, self._redaction)
        sections = {name: texts.ending(text) for name, text in part.sections.items()}
        return replace(part, sections=sections).redacted(self._redaction)


def _deployment_of(item: pytest.Item) -> Deployment | None:
    """Return the deployment that a test works with, if it has one: the most specific of its fixtures."""
    fixtures: Mapping[str, object] = getattr(item, "funcargs", {})
    deployments = [value for value in fixtures.values() if isinstance(value, Deployment)]
    return max(deployments, key=lambda value: len(type(value).__mro__), default=None)


def _fixture[T](item: pytest.Item, kind: type[T]) -> T | None:
    """Return a test's fixture value of a type, or None."""
    fixtures: Mapping[str, object] = getattr(item, "funcargs", {})
    return next((value for value in fixtures.values() if isinstance(value, kind)), None)


def _part_of(made: pytest.TestReport) -> TestResult:
    """Return the findings of a process. Those of a crashed worker are lost."""
    if part := getattr(made, _PART, ""):
        return TestResult.from_json(part)
    return TestResult(
        id=made.nodeid, outcome="failed", begun=time.time(), seconds=0.0, message=str(made.longrepr)
    )


def _drain[T](items: list[T]) -> tuple[T, ...]:
    taken = tuple(items)
    del items[: len(taken)]
    return taken
