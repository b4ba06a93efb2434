"""The end of a run: causes of failures, the command to run them again, logs, the report and traces."""

from __future__ import annotations

import os
import shlex
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.redaction import Redaction
from harness.report import page, results, trace_file
from harness.report.diagnosis import artifacts, causes, surroundings
from harness.report.failures import FAILED
from harness.report.results import Run, TestResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pytest

    from harness.base.telemetry.sections import Section
    from harness.base.telemetry.timeline import Span

type Keep = Literal["failed", "all", "none"]
type Tracing = Literal["retain-on-failure", "on", "off"]

LAST_REPORT = "harness/report"  # the key in pytest's cache under which its path is
_TEMPLATES = "harness-templates"  # the folder in pytest's cache for compiled templates of the report
TRACES = "traces"  # the folder within that of the artifacts
_NO_PHASE = "???"  # pytest-xdist's phase for a test whose worker crashed
_MOST_TESTS = 10  # that are named below one cause


def tell(
    failures: Iterable[tuple[str, str]],
    terminal: Any,  # noqa: ANN401 - pytest's, without types
    config: pytest.Config,
    logs: Path | None,
) -> None:
    """Print the causes with their tests, the command to run these again, and the folder of their logs.

    Args:
        failures: Test and cause of each failure.
        terminal: The terminal to write to.
        config: The configuration of the run.
        logs: The folder of the logs. None if there are none.
    """
    terminal.section("why")
    for cause, tests in causes.group(failures).items():
        terminal.write_line(f"✗ {cause}", red=True)
        for test in tests[:_MOST_TESTS]:
            terminal.write_line(f"    {test}")
        if len(tests) > _MOST_TESTS:
            terminal.write_line(f"    and {len(tests) - _MOST_TESTS} more")
    if config.pluginmanager.has_plugin("lfplugin"):  # not with `-p no:cacheprovider`
        given = [each for each in config.invocation_params.args if each not in {"--lf", "--last-failed"}]
        terminal.write_line(f"again: {shlex.join(['pytest', *given, '--last-failed'])}")
    if logs:
        terminal.write_line(f"logs: {logs}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisOptions:
    """The files to keep.

    Attributes:
        keep: The tests whose logs to keep: failed ones, all, or none.
        folder: The folder for the logs.
        report: The HTML file, or the zip for a report of several runs. None for none.
        tracing: Which tests' traces.
    """

    keep: Keep
    folder: Path
    report: Path | None
    tracing: Tracing = "off"

    @property
    def records(self) -> bool:
        """Whether any file needs the actions of tests."""
        return self.report is not None or self.tracing != "off"

    def trace_of(self, test: str) -> Path:
        """Return the file of a test's trace."""
        return self.folder / TRACES / f"{artifacts.folder_name(test)}.zip"


@dataclass(slots=True, kw_only=True)
class Files:
    """The report and the traces of a run.

    Attributes:
        wanted: The files to keep.
        config: The configuration of the run.
        begun: When it began, in seconds since the epoch.
        facts: The facts about backend and stack, by name.
        options: The options of pytest, without the tests.
        traces: The traces so far.
        problems: The reason why a test has no trace.
        sections: Further findings at the end of the run.
    """

    wanted: DiagnosisOptions
    config: pytest.Config
    begun: float = field(default_factory=time.time)
    facts: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    traces: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    _parts: dict[tuple[str, str], list[TestResult]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Look at the run itself, once."""
        self.facts |= surroundings.of_the_run(self.config)
        self.options = tuple(surroundings.options(self.config, Redaction()))

    def take(self, part: TestResult, when: str | None, redaction: Redaction) -> None:
        """Take in the findings of a process. After the last phase of a test, write its trace.

        Args:
            part: A phase of a test, with its worker.
            when: Which phase.
            redaction: Leaves secrets out.
        """
        key = (part.worker, part.id)
        self._parts.setdefault(key, []).append(part)
        if when not in {"teardown", _NO_PHASE}:
            return
        test = results.join_phases(self._parts[key] if self.wanted.report else self._parts.pop(key))
        if self.wanted.tracing == "on" or (self.wanted.tracing != "off" and test.outcome in FAILED):
            self._trace(test, redaction)

    def note(self, facts: Mapping[str, str], options: Iterable[str]) -> None:
        """Store a process's facts about the stack, and the command line without its secrets."""
        self.facts |= facts
        self.options = tuple(options) or self.options

    def finish(self, spans: Iterable[Span], redaction: Redaction, terminal: Any) -> None:  # noqa: ANN401 - as above
        """Write the report, and print the paths of the report and the traces."""
        for problem in self.problems:
            terminal.write_line(problem, red=True)
        if self.traces:
            terminal.write_line(f"traces: harness show-trace {shlex.quote(str(self.traces[0]))}")
        if len(self.traces) > 1:
            terminal.write_line(f"        and {len(self.traces) - 1} more in that folder")
        if self.wanted.report is None:
            return
        tests = tuple(results.join_phases(parts) for parts in self._parts.values())
        run = replace(
            self._run(tests, begun=self.begun, seconds=time.time() - self.begun), spans=tuple(spans)
        )
        if self.wanted.report.suffix == ".zip":
            trace_file.write(run, self.wanted.report, redaction, most=trace_file.MOST_OF_A_RUN)
            terminal.write_line(f"record: harness report {shlex.quote(str(self.wanted.report))} ...")
            return
        page.write(run, self.wanted.report, redaction, templates=self._compiled_templates())
        terminal.write_line(f"report: {self.wanted.report}")
        if cache := getattr(self.config, "cache", None):  # None with `-p no:cacheprovider`
            cache.set(LAST_REPORT, str(self.wanted.report))

    def _compiled_templates(self) -> Path | None:
        """Return a folder in pytest's cache, or None if there is none that this user can write to."""
        cache = getattr(self.config, "cache", None)
        with suppress(OSError):
            folder: Path | None = cache.mkdir(_TEMPLATES) if cache else None
            return folder if folder and os.access(folder, os.W_OK) else None
        return None

    def _trace(self, test: TestResult, redaction: Redaction) -> None:
        """Write the trace of a test. A failure to write it must not end the run."""
        file = self.wanted.trace_of(test.id)
        try:
            trace_file.write(self._run((test,), begun=test.begun, seconds=test.seconds), file, redaction)
        except OSError as problem:
            self.problems.append(f"no trace of {test.id}: {problem}")
        else:
            self.traces.append(file)

    def _run(self, tests: tuple[TestResult, ...], *, begun: float, seconds: float) -> Run:
        return Run(
            title=self.config.rootpath.name,
            begun=begun,
            seconds=seconds,
            facts=self.facts,
            options=self.options,
            tests=tests,
            sections=tuple(map(self._linked, self.sections)),
        )

    def _linked(self, section: Section) -> Section:
        """Return a section whose page is named as a link from the report."""
        if not section.page or not self.wanted.report:
            return section
        link = os.path.relpath(section.page, self.wanted.report.parent)
        return replace(section, page=Path(link).as_posix())
