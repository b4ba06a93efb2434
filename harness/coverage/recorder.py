"""The part of the pytest plugin that gathers the coverage of a run, from all workers, and reports it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from harness.aws import capabilities
from harness.base import caller
from harness.coverage import reports
from harness.coverage.judge import judged
from harness.coverage.levels import Coverage, Covered
from harness.coverage.sources import located

if TYPE_CHECKING:
    from pathlib import Path

    from harness.deployment import Deployment

_OUTPUT = "terraform_lambda_harness_coverage"  # what a worker tells the controller
_ENFORCEMENT = "iam_enforcement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be reported.

    Attributes:
        reports: The kind and the file of each report.
        fail_under: The percentage below which the run fails; 0 for none.
    """

    reports: tuple[tuple[str, Path], ...] = ()
    fail_under: float = 0.0


def coverage_of(stack: Deployment, root: Path, project: Path, *, since: float) -> Coverage:
    """Return the coverage of a stack by the calls that were made since a moment.

    Args:
        stack: The stack, which still runs.
        root: Its root module.
        project: What the names of files are relative to.
        since: In seconds since the epoch.

    Raises:
        BackendError: The backend keeps no request log.
    """
    calls = stack.calls(since=since)
    resources = stack.terraform.resources()
    with caller.harness():
        enforces = not capabilities.missing(stack.endpoint, [_ENFORCEMENT])
    places = located((each.address for each in resources), root)
    covered = []
    for address, (level, why) in judged(resources, calls, enforces=enforces).items():
        file, line = places.get(address, (None, 0))
        name = file.resolve().relative_to(project.resolve(), walk_up=True).as_posix() if file else ""
        covered.append(Covered(address=address, level=level, why=why, file=name, line=line))
    return Coverage().merged(covered)


class Recorder:
    """Gathers the coverage of a run: a plugin of its own, in the controller and in each worker.

    Args:
        wanted: What is to be reported.
        project: What the names of files are relative to.
    """

    def __init__(self, wanted: Wanted, project: Path) -> None:
        self._wanted = wanted
        self._project = project
        self._begun = time.time()
        self.coverage = Coverage()

    def record(self, stack: Deployment, root: Path) -> None:
        """Take in the coverage of a stack, which still runs.

        Raises:
            BackendError: The backend keeps no request log.
        """
        measured = coverage_of(stack, root, self._project, since=self._begun)
        self.coverage = self.coverage.merged(measured.resources)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - pytest-xdist has no types
        """Take in what a worker has gathered; one that crashed tells nothing."""
        if told := getattr(node, "workeroutput", {}).get(_OUTPUT):
            self.coverage = self.coverage.merged(Coverage.from_json(told).resources)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand what a worker has gathered to the controller; there, fail a run with too little of it."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = self.coverage.to_json()
        elif self._is_too_little and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # noqa: ANN401 - pytest's, without types
        """Tell the coverage, and write the reports."""
        terminalreporter.section("coverage of Terraform")
        for line in reports.table(self.coverage):
            terminalreporter.write_line(line)
        for kind, file in self._wanted.reports:
            reports.write(self.coverage, kind, file)
            terminalreporter.write_line(f"{kind}: {file}")
        if self._is_too_little:
            expected, got = self._wanted.fail_under, self.coverage.percent
            terminalreporter.write_line(
                f"coverage of Terraform: expected {expected:g} % at least, got {got:.2f} %", red=True
            )

    @property
    def _is_too_little(self) -> bool:
        return self.coverage.percent < self._wanted.fail_under
