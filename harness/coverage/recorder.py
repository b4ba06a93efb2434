"""The part of the pytest plugin that gathers the coverage of a run, from all workers, and reports it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, override

import pytest

from harness.base import caller
from harness.base.telemetry import outputs
from harness.base.telemetry.recorder import Recorder
from harness.coverage import reports
from harness.coverage.levels import Coverage
from harness.coverage.measured import coverage_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from harness.settings import Settings
    from harness.stack.deployment import Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """The reports to make.

    Attributes:
        reports: The kind and the file of each report.
        fail_under: The percentage below which the run fails. 0 for none.
    """

    reports: tuple[tuple[str, Path], ...] = ()
    fail_under: float = 0.0


class CoverageRecorder(Recorder):
    """Gathers the coverage of a run, as a plugin in the controller and in each worker.

    Args:
        wanted: The reports to make.
        project: The directory to which file names are relative.
    """

    title = "coverage of Terraform"

    def __init__(self, wanted: ReportOptions, project: Path) -> None:
        self._wanted = wanted
        self._project = project
        self._begun = time.time()
        self.page = next((str(file) for kind, file in wanted.reports if kind == "html"), "")
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

    @override
    def to_json(self) -> str:
        return self.coverage.to_json()

    @override
    def merge(self, gathered: str) -> None:
        self.coverage = self.coverage.merged(Coverage.from_json(gathered).items)

    @override
    def lines(self) -> list[str]:
        return reports.table(self.coverage)

    @override
    def write_files(self) -> Iterator[str]:
        for kind, file in self._wanted.reports:
            reports.write(self.coverage, kind, file, self._project)
            yield f"{kind}: {file}"

    @property
    @override
    def shortcomings(self) -> list[str]:
        expected, got = self._wanted.fail_under, self.coverage.percent
        shortfall = f"{self.title}: expected {expected:g} % at least, got {got:.2f} %"
        return [shortfall] if got < expected else []
