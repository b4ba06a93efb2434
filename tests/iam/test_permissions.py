"""`pytest --permissions` against the roles of the model system, whose policies are minimal by proof."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.permissions import Permissions, Use, assert_least_privilege, judged, shortcomings, suggestions
from harness.permissions.places import permissions_of
from tests.iam import behaviour
from tests.iam.roles import Role, document_of, listed
from tests.iam.test_least_privilege import first_failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness import Settings
    from tests.iam.roles import Statement
    from tests.system import Scenario

pytestmark = pytest.mark.requires("iam_enforcement")

READER = "module.system.module.iam.aws_iam_role.reader"
POLICY = "module.system.module.iam.aws_iam_role_policy.reader"
WRITER = "module.system.module.iam.aws_iam_role.writer[0]"


@pytest.fixture
def reader(scenario: Scenario) -> Iterator[Role]:
    role = Role.of(scenario, scenario.system.retrieve_function_name)
    before = role.statements()
    yield role
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
    scenario: Scenario, reader: Role
) -> None:
    minimal, begun = reader.statements(), time.time()
    reader.write(widened(scenario, minimal))
    assert first_failure(scenario, behaviour.READER) == ""

    found = permissions_with(scenario, reader.statements(), since=begun)
    (role,) = (each for each in found.roles if each.address == READER)
    (suggestion,) = suggestions(role, found.patterns)

    assert {each.removeprefix(f"{READER}: ").split(" on ")[0] for each in shortcomings([role])} == {
        f"too wide  {POLICY}: ReadObjectsAndPointer: s3:*",
        f"too wide  {POLICY}: DecryptObjects: kms:*",
        f"unused    {POLICY}: More: sqs:SendMessage",
    }
    assert sorted(map(normal, suggestion.suggested)) == sorted(map(normal, minimal))
    reader.write([dict(each) for each in suggestion.suggested])
    assert first_failure(scenario, behaviour.READER) == ""


def widened(scenario: Scenario, minimal: Sequence[Statement]) -> list[Statement]:
    """Return the reader's statements as somebody in a hurry writes them."""
    wider = {
        "ReadObjectsAndPointer": {
            "Action": "s3:*",
            "Resource": f"arn:aws:s3:::{scenario.system.bucket_name}/*",
        },
        "DecryptObjects": {"Action": "kms:*", "Resource": "*"},
    }
    more = {"Sid": "More", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    return [*({**each, **wider.get(each["Sid"], {})} for each in minimal), more]


def permissions_with(scenario: Scenario, statements: Sequence[Statement], *, since: float) -> Permissions:
    """Return the permissions of the stack as if Terraform had applied the reader's statements."""
    resources = [
        replace(each, values={**each.values, "policy": document_of(statements)})
        if each.address == POLICY
        else each
        for each in scenario.resources()
    ]
    return Permissions(tuple(judged(resources, scenario.calls(since=since), enforces=True)))


def normal(statement: Mapping[str, Any]) -> str:
    """Return a statement as text, in one order."""
    lists = {name: sorted(listed(statement[name])) for name in ("Action", "Resource")}
    return json.dumps({**statement, **lists}, sort_keys=True)
