"""`pytest --permissions` against the roles of the model system, whose policies are minimal by proof."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.permissions import (
    Permissions,
    Use,
    assert_least_privilege,
    judge_roles,
    shortcomings,
    suggestions,
)
from harness.permissions.places import permissions_of
from tests.iam import behaviour
from tests.iam.roles import Role, document_of, listed
from tests.iam.test_least_privilege import first_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness import Settings
    from tests.iam.roles import Statement
    from tests.system import Scenario

pytestmark = pytest.mark.requires("iam_enforcement")

READER = "module.system.module.iam.aws_iam_role.reader"
WRITER = "module.system.module.iam.aws_iam_role.writer[0]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Widened:
    """A role of the system whose policy somebody in a hurry has widened.

    Attributes:
        address: The role.
        function: Returns the name of the role's function.
        checks: The checks of the function's behaviour.
        wider: The changed parts of statements, by `Sid`.
    """

    address: str
    function: Callable[[Scenario], str]
    checks: Sequence[behaviour.Check]
    wider: Mapping[str, Statement]

    @property
    def policy(self) -> str:
        """The address of its policy."""
        return self.address.replace("aws_iam_role.", "aws_iam_role_policy.")

    def statements(self, minimal: Sequence[Statement]) -> list[Statement]:
        """Return the widened statements, and one that nobody needs."""
        more = {"Sid": "More", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
        return [*({**each, **self.wider.get(each["Sid"], {})} for each in minimal), more]


ROLES = {
    "reader": Widened(
        address=READER,
        function=lambda scenario: scenario.system.retrieve_function_name,
        checks=behaviour.READER,
        wider={
            "ReadObjectsAndPointer": {"Action": "s3:*", "Resource": "arn:aws:s3:::*/*"},
            "DecryptObjects": {"Action": "kms:*", "Resource": "*"},
        },
    ),
    "writer": Widened(
        address=WRITER,
        function=lambda scenario: scenario.system.create_function_name,
        checks=behaviour.WRITER,
        wider={
            "ReadPointer": {"Action": "s3:Get*", "Resource": "arn:aws:s3:::*/*"},
            "EncryptObjects": {"Action": "kms:*", "Resource": "*"},
        },
    ),
}


@pytest.fixture(params=ROLES)
def widened(request: pytest.FixtureRequest, scenario: Scenario) -> Iterator[tuple[Widened, Role]]:
    found = ROLES[request.param]
    role = Role.of(scenario, found.function(scenario))
    before = role.statements()
    yield found, role
    role.write(before)


def test_every_permission_of_the_roles_is_used_and_none_is_missing(
    scenario: Scenario, harness_settings: Settings
) -> None:
    begun = time.time()
    assert first_failure(scenario, [*behaviour.WRITER, *behaviour.READER]) == ""

    assert_least_privilege(scenario, since=begun)
    found = permissions_of(scenario, harness_settings.terraform_dir, harness_settings.project, since=begun)
    roles = {each.address: each for each in found.roles}
    assert {address: each.count(Use.UNKNOWN) for address, each in roles.items()} == {READER: 0, WRITER: 0}
    (listing,) = (each for each in roles[READER].statements if each.name == "ListObjects")
    text = (harness_settings.project / listing.file).read_text("utf-8").splitlines()
    assert text[listing.line - 1 : listing.line + 1] == ["  statement {", '    sid       = "ListObjects"']


def test_a_statement_that_was_widened_is_named_and_the_minimal_one_is_found_again_and_suffices(
    scenario: Scenario, widened: tuple[Widened, Role]
) -> None:
    case, role = widened
    minimal, begun = role.statements(), time.time()
    role.write(case.statements(minimal))
    assert first_failure(scenario, case.checks) == ""

    found = permissions_with(scenario, case.policy, role.statements(), since=begun)
    (judgement,) = (each for each in found.roles if each.address == case.address)
    (suggestion,) = suggestions(judgement, found.patterns)

    assert {
        each.removeprefix(f"{case.address}: ").split(" on ")[0] for each in shortcomings([judgement])
    } == {
        *(f"too wide  {case.policy}: {name}: {wide['Action']}" for name, wide in case.wider.items()),
        f"unused    {case.policy}: More: sqs:SendMessage",
    }
    assert sorted(map(normal, suggestion.suggested)) == sorted(map(normal, minimal))
    role.write([dict(each) for each in suggestion.suggested])
    assert first_failure(scenario, case.checks) == ""


def permissions_with(
    scenario: Scenario, policy: str, statements: Sequence[Statement], *, since: float
) -> Permissions:
    """Return the permissions of the stack as if Terraform had applied these statements of a policy."""
    resources = [
        replace(each, values={**each.values, "policy": document_of(statements)})
        if each.address == policy
        else each
        for each in scenario.resources()
    ]
    return Permissions(tuple(judge_roles(resources, scenario.calls(since=since), enforces=True)))


def normal(statement: Mapping[str, Any]) -> str:
    """Return a statement as text, in one order."""
    lists = {name: sorted(listed(statement[name])) for name in ("Action", "Resource")}
    return json.dumps({**statement, **lists}, sort_keys=True)
