"""Permissions from files of earlier runs: their reports, or a request log with a Terraform state."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from harness.aws.calls import calls_in
from harness.errors import HarnessError
from harness.permissions.judge import judge_roles
from harness.permissions.verdicts import Permissions
from harness.terraform import state as states

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from harness.aws.calls import Call
    from harness.values import Resource


def merge(reports: Sequence[Path]) -> Permissions:
    """Merge the permissions in several reports, for example of parts of a suite or of several backends.

    Raises:
        HarnessError: A file is not a report of `pytest --permissions-report`.
        OSError: A file can't be read.
    """
    return reduce(Permissions.merged, map(_read, reports), Permissions())


def by_log(log: Path, state: Path) -> Permissions:
    """Return the permissions of the roles of a state file by the calls of a request log.

    No file shows whether the emulator enforced permissions, so anything that only enforcement proves is
    unknown.

    Raises:
        HarnessError: The log is of a later version, or the state has no resources.
        OSError: A file can't be read.
    """
    resources = states.resources(state)
    if not resources:
        raise HarnessError(f"{state}: expected the state of an applied root, such as terraform.tfstate")
    calls = calls_in(log.read_text("utf-8", "replace").splitlines())
    return Permissions(tuple(judge_roles(resources, _in_the_accounts(calls, resources))))


def _in_the_accounts(calls: Iterable[Call], resources: Sequence[Resource]) -> list[Call]:
    """Return the calls of the accounts that resources are in: an emulator may hold stacks of others."""
    arns = (str(each.values.get("arn") or "").split(":") for each in resources)
    accounts = {parts[4] for parts in arns if len(parts) > 5} | {""}  # noqa: PLR2004 - an ARN's parts
    return [call for call in calls if call.account in accounts]


def _read(report: Path) -> Permissions:
    try:
        return Permissions.from_json(report.read_text("utf-8"))
    except (ValueError, KeyError, TypeError):
        expected = "a report that `pytest --permissions-report` has written"
        raise HarnessError(f"{report}: expected {expected}") from None
