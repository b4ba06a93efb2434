"""The verdicts about a role's permissions, as values that can be merged and stored."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NO_RUN = "none of its functions has run"


class Use(IntEnum):
    """Whether a permission was used, in the order in which one of two judgements wins."""

    UNUSED = 0
    UNKNOWN = 1
    USED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One action on one resource, as a statement allows it.

    Attributes:
        action: The action, perhaps with wildcards.
        resource: The resource, perhaps with wildcards.
        use: Whether it was used.
        why: The reason for the verdict.
        uses: The actions and resources that it was used for, without wildcards.
        has_decided: Whether a backend that enforces permissions has let a call pass by it.
    """

    action: str
    resource: str
    use: Use = Use.UNUSED
    why: str = ""
    uses: frozenset[tuple[str, str]] = frozenset()
    has_decided: bool = False

    def merged(self, other: Grant) -> Grant:
        """Merge it with another verdict about it."""
        best = max(self, other, key=lambda each: each.use)
        return replace(best, uses=self.uses | other.uses, has_decided=self.has_decided or other.has_decided)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement of one of a role's policies.

    Attributes:
        policy: The address of the policy's resource, or the ARN of a policy of AWS.
        index: Its place in the policy, from 0 on.
        document: The statement itself.
        grants: The permissions that it allows or denies.
        file: Its file, relative to the project. Empty if unknown.
        line: Its line in the file, counted from 1. 0 if unknown.
    """

    policy: str
    index: int
    document: Mapping[str, Any] = field(repr=False)
    grants: tuple[Grant, ...]
    file: str = ""
    line: int = 0

    @property
    def name(self) -> str:
        """Its id, or its place in the policy."""
        return str(self.document.get("Sid") or f"statement {self.index + 1}")

    def merged(self, other: Statement) -> Statement:
        """Merge it with another verdict about it."""
        theirs = dict(enumerate(other.grants))
        grants = (each.merged(theirs.get(place, each)) for place, each in enumerate(self.grants))
        return replace(self, grants=tuple(grants))


class Outcome(IntEnum):
    """The outcome of a call that no statement allows. Of two verdicts, the greater wins."""

    UNKNOWN = 0
    NOT_ALLOWED = 1
    DENIED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """An action that was needed, and that no statement allows.

    Attributes:
        action: The action.
        resource: The resource's ARN. Empty if the log does not show it.
        outcome: Whether the backend has refused it, AWS would, or nobody knows.
        why: The call or feature that needed it.
    """

    action: str
    resource: str
    outcome: Outcome
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RolePermissions:
    """A role: its permissions, and the missing ones.

    Attributes:
        address: The role's address.
        functions: The names of the functions that have it.
        statements: The statements of its policies that allow something.
        denials: The statements that deny something. One was used if a backend that enforces permissions
            refused a call because of it.
        missing: The permissions that were needed and are not allowed.
        notes: The parts that could not be judged.
        file: The file of its block, relative to the project. Empty if unknown.
        line: Its line in the file, counted from 1. 0 if unknown.
    """

    address: str
    functions: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()
    denials: tuple[Statement, ...] = ()
    missing: tuple[Missing, ...] = ()
    notes: tuple[str, ...] = ()
    file: str = ""
    line: int = 0

    def count(self, use: Use) -> int:
        """Return how many permissions have a use."""
        return sum(each.use is use for statement in self.statements for each in statement.grants)

    def merged(self, other: RolePermissions) -> RolePermissions:
        """Merge it with another verdict about it. A run without any of its functions has none."""
        if NO_RUN in other.notes or NO_RUN in self.notes:
            return self if NO_RUN in other.notes else other
        missing: dict[tuple[str, str], Missing] = {}
        for each in (*self.missing, *other.missing):
            key = each.action, each.resource
            missing[key] = max(missing.get(key, each), each, key=lambda one: one.outcome)
        return replace(
            self,
            statements=_merged(self.statements, other.statements),
            denials=_merged(self.denials, other.denials),
            missing=tuple(missing.values()),
            notes=tuple(each for each in self.notes if each in other.notes),
        )


def _merged(mine: Sequence[Statement], others: Sequence[Statement]) -> tuple[Statement, ...]:
    theirs = {(each.policy, each.index): each for each in others}
    return tuple(each.merged(theirs.get((each.policy, each.index), each)) for each in mine)


@dataclass(frozen=True, slots=True)
class Permissions:
    """All roles of the stacks of a run."""

    roles: tuple[RolePermissions, ...] = ()

    @property
    def patterns(self) -> frozenset[str]:
        """The resources that statements name."""
        statements = (statement for role in self.roles for statement in role.statements)
        return frozenset(grant.resource for statement in statements for grant in statement.grants)

    def merged(self, others: Permissions) -> Permissions:
        """Merge these with those of another process of the same run."""
        known = {(each.file, each.address): each for each in self.roles}
        for each in others.roles:
            mine = known.get((each.file, each.address))
            known[each.file, each.address] = mine.merged(each) if mine else each
        return Permissions(tuple(known[key] for key in sorted(known)))

    def to_json(self) -> str:
        """Return them as JSON, with the names of uses and outcomes."""
        roles = [asdict(each) for each in self.roles]
        for grant in _grants(roles):
            grant.update(use=grant["use"].name.lower(), uses=sorted(map(list, grant["uses"])))
        for missing in (each for role in roles for each in role["missing"]):
            missing["outcome"] = missing["outcome"].name.lower()
        return json.dumps({"format": "harness-permissions", "version": 1, "roles": roles}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Create one from the result of `to_json`."""
        return cls(tuple(_role(each) for each in json.loads(text)["roles"]))


def _grants(roles: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - JSON
    return [
        grant
        for role in roles
        for statement in (*role["statements"], *role["denials"])
        for grant in statement["grants"]
    ]


def _role(plain: dict[str, Any]) -> RolePermissions:
    missing = (Missing(**{**each, "outcome": Outcome[each["outcome"].upper()]}) for each in plain["missing"])
    texts = {name: tuple(plain[name]) for name in ("functions", "notes")}
    # Reports of earlier versions have no denials.
    held = {name: tuple(map(_statement, plain.get(name, ()))) for name in ("statements", "denials")}
    return RolePermissions(**{**plain, **texts, **held, "missing": tuple(missing)})


def _statement(plain: dict[str, Any]) -> Statement:
    grants = (
        Grant(
            **{
                **each,
                "use": Use[each["use"].upper()],
                "uses": frozenset((action, resource) for action, resource in each["uses"]),
            }
        )
        for each in plain["grants"]
    )
    return Statement(**{**plain, "grants": tuple(grants)})
