"""The part of the pytest plugin that gathers the permissions of a run, from all workers, and reports them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from harness.aws import capabilities
from harness.base import caller
from harness.permissions import reports
from harness.permissions.judge import judged
from harness.permissions.places import placed
from harness.permissions.verdicts import Permissions

if TYPE_CHECKING:
    from pathlib import Path

    from harness.deployment import Deployment

_OUTPUT = "terraform_lambda_harness_permissions"  # what a worker tells the controller
_ENFORCEMENT = "iam_enforcement"


def permissions_of(stack: Deployment, root: Path, project: Path, *, since: float) -> Permissions:
    """Return the permissions of a stack's roles, by the calls that were made since a moment.

    Args:
        stack: The stack, which still runs.
        root: Its root module.
        project: What the names of files are relative to.
        since: In seconds since the epoch.

    Raises:
        BackendError: The backend keeps no request log.
    """
    calls = stack.calls(since=since)
    with caller.harness():
        enforces = not capabilities.missing(stack.endpoint, [_ENFORCEMENT])
    roles = judged(stack.terraform.resources(), calls, enforces=enforces)
    return Permissions().merged(Permissions(tuple(placed(roles, root, project))))


class Recorder:
    """Gathers the permissions of a run: a plugin of its own, in the controller and in each worker.

    Args:
        project: What the names of files are relative to.
        report: The file to write them to as JSON; None for none.
    """

    def __init__(self, project: Path, report: Path | None = None) -> None:
        self._project = project
        self._report = report
        self._begun = time.time()
        self.permissions = Permissions()

    def record(self, stack: Deployment, root: Path) -> None:
        """Take in the permissions of a stack, which still runs.

        Raises:
            BackendError: The backend keeps no request log.
        """
        self.permissions = self.permissions.merged(
            permissions_of(stack, root, self._project, since=self._begun)
        )

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - pytest-xdist has no types
        """Take in what a worker has gathered; one that crashed tells nothing."""
        if told := getattr(node, "workeroutput", {}).get(_OUTPUT):
            self.permissions = self.permissions.merged(Permissions.from_json(told))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand what a worker has gathered to the controller."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = self.permissions.to_json()

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # noqa: ANN401 - pytest's, without types
        """Tell the permissions, and write the report."""
        terminalreporter.section("permissions")
        for line in reports.lines(self.permissions):
            terminalreporter.write_line(line)
        if self._report:
            self._report.parent.mkdir(parents=True, exist_ok=True)
            self._report.write_text(self.permissions.to_json(), "utf-8")
            terminalreporter.write_line(f"json: {self._report}")
