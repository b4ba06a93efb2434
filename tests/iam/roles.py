"""The functions' deployed roles: their statements, and the effect of each."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from harness.aws import clients

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness import Endpoint
    from tests.system import Scenario

type Statement = dict[str, Any]

EVERYTHING: Statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """One action on one resource, allowed by one statement."""

    statement: str
    action: str
    resource: str

    def __str__(self) -> str:
        return f"{self.statement}: {self.action} on {self.resource}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """The one inline policy of a function's role."""

    endpoint: Endpoint
    name: str
    policy: str

    @classmethod
    def of(cls, scenario: Scenario, function_name: str) -> Role:
        """Find the role of a function, which must have exactly one inline policy."""
        function = scenario.client("lambda").get_function_configuration(FunctionName=function_name)
        name = function["Role"].rpartition("/")[2]
        iam = scenario.client("iam")
        assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
        (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
        return cls(endpoint=scenario.endpoint, name=name, policy=policy)

    def statements(self) -> list[Statement]:
        """Read the statements, each one with lists of actions and resources."""
        found = clients.client(self.endpoint, "iam").get_role_policy(
            RoleName=self.name, PolicyName=self.policy
        )
        document = found["PolicyDocument"]
        statements = (json.loads(document) if isinstance(document, str) else document)["Statement"]
        return [
            {**statement, "Action": listed(statement["Action"]), "Resource": listed(statement["Resource"])}
            for statement in statements
        ]

    def write(self, statements: Sequence[Statement]) -> None:
        """Replace the statements. They apply from the next request on."""
        clients.client(self.endpoint, "iam").put_role_policy(
            RoleName=self.name, PolicyName=self.policy, PolicyDocument=document_of(statements)
        )

    @contextmanager
    def without(self, permission: Permission) -> Iterator[None]:
        """Take one permission away while the context is open."""
        before = self.statements()
        self.write([part for statement in before for part in lessened(statement, permission)])
        try:
            yield
        finally:
            self.write(before)

    @contextmanager
    def as_user(self) -> Iterator[Endpoint]:
        """Yield the endpoint for a user with the role's present permissions."""
        with user(self.endpoint, self.statements()) as endpoint:
            yield endpoint


def permissions(statements: Sequence[Statement]) -> list[Permission]:
    """Return every action on every resource of the statements."""
    return [
        Permission(statement=statement["Sid"], action=action, resource=resource)
        for statement in statements
        for action in statement["Action"]
        for resource in statement["Resource"]
    ]


def lessened(statement: Statement, taken: Permission) -> list[Statement]:
    """Return statements that allow the same as `statement`, except for the permission taken."""
    if statement["Sid"] != taken.statement:
        return [statement]
    left = [each for each in permissions([statement]) if each != taken]
    return [
        {**statement, "Sid": f"{each.statement}{number}", "Action": each.action, "Resource": each.resource}
        for number, each in enumerate(left)
    ]


@contextmanager
def user(endpoint: Endpoint, statements: Sequence[Statement]) -> Iterator[Endpoint]:
    """Provide `endpoint` as a new user with these statements sees it."""
    iam, name = clients.client(endpoint, "iam"), f"iam-proof-{uuid4().hex[:8]}"
    with ExitStack() as cleanup:
        iam.create_user(UserName=name)
        cleanup.callback(iam.delete_user, UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="proof", PolicyDocument=document_of(statements))
        cleanup.callback(iam.delete_user_policy, UserName=name, PolicyName="proof")
        key = iam.create_access_key(UserName=name)["AccessKey"]
        cleanup.callback(iam.delete_access_key, UserName=name, AccessKeyId=key["AccessKeyId"])
        yield replace(endpoint, access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"])


def document_of(statements: Sequence[Statement]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
