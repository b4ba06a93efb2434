"""The part of the pytest plugin that gathers the permissions of a run, from all workers, and reports them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from harness.permissions import reports
from harness.permissions.least_privilege import shortcomings
from harness.permissions.places import permissions_of
from harness.permissions.verdicts import Permissions
from harness.telemetry import sections
from harness.telemetry.sections import Section

if TYPE_CHECKING:
    from pathlib import Path

    from harness.deployment import Deployment
    from harness.settings import Settings

_OUTPUT = "terraform_lambda_harness_permissions"  # the key of a worker's results for the controller


class Recorder:
    """Gathers the permissions of a run, as a plugin in the controller and in each worker.

    Args:
        project: The directory to which file names are relative.
        report: The JSON file to write them to. None for none.
        is_strict: Whether a role without least privilege fails the run.
    """

    def __init__(self, project: Path, report: Path | None = None, *, is_strict: bool = False) -> None:
        self._project = project
        self._report = report
        self._is_strict = is_strict
        self._begun = time.time()
        self.permissions = Permissions()

    def record(self, stack: Deployment, settings: Settings) -> None:
        """Take in the permissions of a stack, which still runs.

        Raises:
            BackendError: The backend keeps no request log.
        """
        self.permissions = self.permissions.merged(
            permissions_of(stack, settings.terraform_dir, self._project, since=self._begun)
        )

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - pytest-xdist has no types
        """Take the results of a worker. A crashed one has none."""
        if told := getattr(node, "workeroutput", {}).get(_OUTPUT):
            self.permissions = self.permissions.merged(Permissions.from_json(told))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Pass a worker's results to the controller. There, fail a run that violates least privilege."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = self.permissions.to_json()
        elif self._shortcomings and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # noqa: ANN401 - pytest's, without types
        """Print the permissions, and write the report."""
        told = reports.lines(self.permissions)
        sections.TOLD.send(Section(title="permissions", text="\n".join(told)))
        terminalreporter.section("permissions")
        for line in told:
            terminalreporter.write_line(line)
        if self._report:
            self._report.parent.mkdir(parents=True, exist_ok=True)
            self._report.write_text(self.permissions.to_json(), "utf-8")
            terminalreporter.write_line(f"json: {self._report}")
        for each in self._shortcomings:
            terminalreporter.write_line(f"least privilege: {each}", red=True)

    @property
    def _shortcomings(self) -> list[str]:
        """The violations that fail the run."""
        return shortcomings(self.permissions.roles) if self._is_strict else []
