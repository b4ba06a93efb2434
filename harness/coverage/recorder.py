"""The part of the pytest plugin that gathers the coverage of a run, from all workers, and reports it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from harness.base import caller
from harness.coverage import reports
from harness.coverage.levels import Coverage
from harness.coverage.measured import coverage_of
from harness.telemetry import outputs, sections
from harness.telemetry.sections import Section

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from harness.deployment import Deployment
    from harness.settings import Settings

_TITLE = "coverage of Terraform"
_OUTPUT = "terraform_lambda_harness_coverage"  # the key of a worker's results for the controller


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The reports to make.

    Attributes:
        reports: The kind and the file of each report.
        fail_under: The percentage below which the run fails. 0 for none.
    """

    reports: tuple[tuple[str, Path], ...] = ()
    fail_under: float = 0.0


class Recorder:
    """Gathers the coverage of a run, as a plugin in the controller and in each worker.

    Args:
        wanted: The reports to make.
        project: The directory to which file names are relative.
    """

    def __init__(self, wanted: Wanted, project: Path) -> None:
        self._wanted = wanted
        self._project = project
        self._begun = time.time()
        self.readers: dict[str, str] = {}
        self.coverage = Coverage()

    def record(self, stack: Deployment, settings: Settings) -> None:
        """Take in the coverage of a stack, which still runs.

        Raises:
            BackendError: The backend keeps no request log.
        """
        measured = coverage_of(
            stack,
            settings.terraform_dir,
            self._project,
            since=self._begun,
            readers=self.readers,
            excluded=settings.coverage_exclude,
        )
        self.coverage = self.coverage.merged(measured.items)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Note which test reads which output of the root, while tests run."""
        with outputs.READ.heard_by(self._note_reader):
            return (yield)

    def _note_reader(self, output: str) -> None:
        reader = caller.current().name
        if reader != caller.HARNESS:
            self.readers.setdefault(output, reader)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - pytest-xdist has no types
        """Take the results of a worker. A crashed one has none."""
        if told := getattr(node, "workeroutput", {}).get(_OUTPUT):
            self.coverage = self.coverage.merged(Coverage.from_json(told).items)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Pass a worker's results to the controller. There, fail a run with too little coverage."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = self.coverage.to_json()
        elif self._is_too_little and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # noqa: ANN401 - pytest's, without types
        """Print the coverage, and write the reports."""
        told, pages = (
            reports.table(self.coverage),
            [file for kind, file in self._wanted.reports if kind == "html"],
        )
        page = str(pages[0]) if pages else ""
        sections.TOLD.send(Section(title=_TITLE, text="\n".join(told), page=page))
        terminalreporter.section(_TITLE)
        for line in told:
            terminalreporter.write_line(line)
        for kind, file in self._wanted.reports:
            reports.write(self.coverage, kind, file, self._project)
            terminalreporter.write_line(f"{kind}: {file}")
        if self._is_too_little:
            expected, got = self._wanted.fail_under, self.coverage.percent
            terminalreporter.write_line(
                f"coverage of Terraform: expected {expected:g} % at least, got {got:.2f} %", red=True
            )

    @property
    def _is_too_little(self) -> bool:
        return self.coverage.percent < self._wanted.fail_under
