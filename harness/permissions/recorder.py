"""The part of the pytest plugin that gathers the permissions of a run, from all workers, and reports them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, override

from harness.base.telemetry.recorder import Recorder
from harness.permissions import reports
from harness.permissions.least_privilege import shortcomings
from harness.permissions.places import permissions_of
from harness.permissions.verdicts import Permissions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.settings import Settings
    from harness.stack.deployment import Deployment


class PermissionsRecorder(Recorder):
    """Gathers the permissions of a run, as a plugin in the controller and in each worker.

    Args:
        project: The directory to which file names are relative.
        report: The JSON file to write them to. None for none.
        is_strict: Whether a role without least privilege fails the run.
    """

    title = "permissions"

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

    @override
    def to_json(self) -> str:
        return self.permissions.to_json()

    @override
    def merge(self, gathered: str) -> None:
        self.permissions = self.permissions.merged(Permissions.from_json(gathered))

    @override
    def lines(self) -> list[str]:
        return reports.lines(self.permissions)

    @override
    def write_files(self) -> Iterator[str]:
        if self._report:
            self._report.parent.mkdir(parents=True, exist_ok=True)
            self._report.write_text(self.to_json(), "utf-8")
            yield f"json: {self._report}"

    @property
    @override
    def shortcomings(self) -> list[str]:
        found = shortcomings(self.permissions.roles) if self._is_strict else []
        return [f"least privilege: {each}" for each in found]
