"""Every permission of the functions' roles is needed: if it is removed, some check of the functions fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.aws import clients
from tests.iam import behaviour
from tests.iam.roles import Role, permissions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.iam.behaviour import Check
    from tests.system import Scenario

pytestmark = pytest.mark.requires("iam_enforcement", "bucket_policy_enforcement")

# Permissions that AWS checks and no emulator does. If an emulator enforces an entry after all, the test
# fails.
_NOWHERE = {
    "logs:CreateLogStream": "Lambda writes the log without asking for the role's permission",
    "logs:PutLogEvents": "Lambda writes the log without asking for the role's permission",
    "sqs:SendMessage": "Lambda delivers to a queue without asking for the role's permission",
}
_KMS = "S3 encrypts without asking for the caller's permission on the key"
# MiniStack 1.5.33, and LocalEmu 1.3.2 as the harness starts it.
NOT_ENFORCED = {
    "ministack": {**_NOWHERE, "kms:Decrypt": _KMS, "kms:GenerateDataKey": _KMS},
    "localemu": _NOWHERE,
}


@pytest.fixture
def writer(scenario: Scenario) -> Role:
    return Role.of(scenario, scenario.system.create_function_name)


@pytest.fixture
def reader(scenario: Scenario) -> Role:
    return Role.of(scenario, scenario.system.retrieve_function_name)


def test_every_permission_of_the_writer_is_needed(scenario: Scenario, writer: Role) -> None:
    assert_all_needed(scenario, writer, behaviour.WRITER)


def test_every_permission_of_the_reader_is_needed(scenario: Scenario, reader: Role) -> None:
    assert_all_needed(scenario, reader, behaviour.READER)


def assert_all_needed(scenario: Scenario, role: Role, checks: Sequence[Check]) -> None:
    """Check that everything works as deployed, and that something fails without any one permission."""
    assert first_failure(scenario, checks) == ""
    not_enforced = NOT_ENFORCED[scenario.endpoint.backend]
    unneeded, wrongly_excepted = [], []
    for permission in permissions(role.statements()):
        with role.without(permission):
            failed = first_failure(scenario, checks)
        print(f"without {permission}: {failed or 'nothing fails'}")  # noqa: T201 - the proof, for whoever asks
        if not failed and permission.action not in not_enforced:
            unneeded.append(str(permission))
        if failed and permission.action in not_enforced:
            wrongly_excepted.append(str(permission))
    assert unneeded == []
    assert wrongly_excepted == []


def first_failure(scenario: Scenario, checks: Sequence[Check]) -> str:
    """Return the name and the error of the first failed check, or an empty text."""
    for check in checks:
        scenario.reset()
        try:
            check(scenario)
        except (AssertionError, *clients.FAILURES) as problem:
            return f"{check.__name__}: {problem}"
    return ""
