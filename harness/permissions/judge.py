"""Judge the permissions of a stack's roles by the calls of its functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from harness.aws import capabilities
from harness.aws.calls.call import is_within
from harness.base import caller
from harness.permissions import policies
from harness.permissions.policies import Match
from harness.permissions.required import RequiredAction, required_by_calls, required_by_lambda
from harness.permissions.verdicts import NO_RUN, Grant, Missing, Outcome, RolePermissions, Statement, Use
from harness.stack.assertions.policies import statements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.aws.calls import Call
    from harness.permissions.policies import Document, Policy
    from harness.stack.deployment import Deployment
    from harness.values import Resource

_ENFORCEMENT = "iam_enforcement"
_UNCLEAR_ROLE = "no call of the log tells of a role that no function has"


@dataclass(frozen=True)
class Evidence:
    """The evidence for the judgement.

    Attributes:
        resources: All resources of the stack.
        calls: The calls of the run.
        enforces: Whether the backend enforces the permissions of roles.
    """

    resources: Sequence[Resource]
    calls: Sequence[Call]
    enforces: bool = False

    def functions_of(self, role: Resource) -> list[Resource]:
        """Return the functions that have a role."""
        functions = (each for each in self.resources if each.type == "aws_lambda_function")
        return [each for each in functions if each.values.get("role") == role.values.get("arn")]

    def namesakes(self, function: Resource) -> list[Resource]:
        """Return the functions of a name in all regions, because the log names a caller only by its name."""
        name = function.values.get("function_name")
        functions = (each for each in self.resources if each.type == "aws_lambda_function")
        return [each for each in functions if each.values.get("function_name") == name]


@dataclass
class _Permission:
    """A permission while it is judged."""

    statement: Mapping[str, object]
    pair: tuple[str, str]
    use: Use = Use.UNUSED
    why: str = "nothing that has run needed it"
    uses: set[tuple[str, str]] = field(default_factory=set)
    has_decided: bool = False

    def judge(self, use: Use, why: str) -> None:
        if use > self.use:
            self.use, self.why = use, why

    def grant(self) -> Grant:
        action, resource = self.pair
        return Grant(
            action=action,
            resource=resource,
            use=self.use,
            why=self.why,
            uses=frozenset(self.uses),
            has_decided=self.has_decided,
        )


@dataclass(frozen=True, slots=True)
class _Row:
    """A statement while its permissions are judged."""

    policy: str
    index: int
    document: Document
    permissions: Sequence[_Permission]

    def statement(self) -> Statement:
        return Statement(
            policy=self.policy,
            index=self.index,
            document=self.document,
            grants=tuple(each.grant() for each in self.permissions),
        )


def judge_roles(
    resources: Sequence[Resource], calls: Sequence[Call], *, enforces: bool = False
) -> list[RolePermissions]:
    """Return the permissions of each role of a stack.

    Args:
        resources: All resources of the stack.
        calls: The calls of the run.
        enforces: Whether the backend enforces the permissions of roles.
    """
    evidence = Evidence(resources, calls, enforces)
    return [_role(each, evidence) for each in resources if each.type == "aws_iam_role"]


def judge_stack(stack: Deployment, *, since: float) -> list[RolePermissions]:
    """Return the permissions of each role of a running stack, judged by the calls since a moment.

    Args:
        stack: The stack.
        since: In seconds since the epoch.

    Raises:
        BackendError: The backend keeps no request log.
    """
    calls = stack.calls(since=since)
    with caller.harness():
        enforces = not capabilities.missing(stack.endpoint, [_ENFORCEMENT])
    return judge_roles(stack.terraform.resources(), calls, enforces=enforces)


def _role(role: Resource, evidence: Evidence) -> RolePermissions:
    texts = list(policies.of_role(role, evidence.resources))
    known = [(address, policy) for address, policy in texts if policy is not None]
    rows, denying = _rows(known, "Allow"), _rows(known, "Deny")
    permissions, denials = _permissions(rows), _permissions(denying)
    notes = [f"{address}: its text is not known" for address, policy in texts if policy is None]
    if role.values.get("permissions_boundary"):
        notes.append("its permissions boundary is not judged")
    functions = evidence.functions_of(role)
    if doubt := _doubt(functions, evidence):
        notes.append(doubt)
        for each in (*permissions, *denials):
            each.judge(Use.UNKNOWN, doubt)
    needs = _needs(functions, evidence) if not doubt else set()
    judge = RoleJudge([policy for _, policy in known], role, evidence, is_whole=len(known) == len(texts))
    lacks = _judge_all(permissions, needs, judge)
    _judge_denials(denials, permissions, needs, enforces=evidence.enforces)
    return RolePermissions(
        address=role.address,
        functions=tuple(sorted(str(each.values.get("function_name")) for each in functions)),
        statements=tuple(each.statement() for each in rows),
        denials=tuple(each.statement() for each in denying),
        missing=_missing(lacks, judge),
        notes=tuple(notes),
    )


def _rows(known: Sequence[tuple[str, Policy]], effect: str) -> list[_Row]:
    """Return the statements of a role's policies that allow something, or those that deny it."""
    return [
        _Row(address, index, document, [_Permission(document, pair) for pair in policies.pairs_of(document)])
        for address, policy in known
        for index, document in enumerate(statements(policy))
        if document.get("Effect") == effect
    ]


def _permissions(rows: Sequence[_Row]) -> list[_Permission]:
    return [each for row in rows for each in row.permissions]


def _doubt(functions: Sequence[Resource], evidence: Evidence) -> str:
    """Return the reason why a role can't be judged, or an empty text."""
    if not functions:
        return _UNCLEAR_ROLE
    for each in functions:
        others = {other.values.get("role") for other in evidence.namesakes(each)}
        if len(others) > 1:
            return f"several functions are called {each.values.get('function_name')}, with roles of their own"
    if not any(_has_run(each, evidence.calls) for each in functions):
        return NO_RUN
    return ""


def _has_run(function: Resource, calls: Sequence[Call]) -> bool:
    arn, by = str(function.values.get("arn")), f"function:{function.values.get('function_name')}"
    return any(
        call.by == by or (call.service == "lambda-runtime" and (call.concerns(arn) or by in call.resources))
        for call in calls
    )


def _needs(functions: Sequence[Resource], evidence: Evidence) -> set[RequiredAction]:
    needs: set[RequiredAction] = set()
    for each in functions:
        if _has_run(each, evidence.calls):
            by = f"function:{each.values.get('function_name')}"
            needs |= required_by_calls([call for call in evidence.calls if call.by == by], evidence.resources)
            needs |= set(required_by_lambda(each, evidence.resources))
        else:
            why = f"{each.values.get('function_name')} has not run"
            needs.add(RequiredAction(actions=("*",), resource="", why=why, is_sure=False))
    return needs


def _judge_all(
    permissions: Sequence[_Permission], needs: set[RequiredAction], judge: RoleJudge
) -> list[RequiredAction]:
    """Judge permissions by the needs, and return the needs that none of them allows."""
    lacks = []
    for need in sorted(needs, key=lambda each: (each.why, each.actions, each.resource)):
        matches = [(each, policies.match(each.statement, each.pair, need)) for each in permissions]
        surely = [each for each, found in matches if found is Match.YES]
        perhaps = [each for each, found in matches if found is Match.MAYBE]
        is_refused = need.is_denied or (need.is_sure and judge.denies(need))
        is_proof = judge.evidence.enforces and not need.is_behind and not surely and len(perhaps) == 1
        if need.is_sure and not is_refused:
            for each in perhaps if is_proof else surely:
                each.judge(Use.USED, need.why)
                each.uses.add((_asked(each, need), need.resource))
                each.has_decided |= judge.evidence.enforces and not need.is_behind
        for each in surely + perhaps:
            each.judge(Use.UNKNOWN, _why_unknown(need, is_refused=is_refused))
        if is_refused or (need.is_sure and not surely and not perhaps):
            lacks.append(need)
    return lacks


def _judge_denials(
    denials: Sequence[_Permission],
    permissions: Sequence[_Permission],
    needs: set[RequiredAction],
    *,
    enforces: bool,
) -> None:
    """Judge what is denied: a call was refused for it, if another statement surely allows that call."""
    for need in sorted(needs, key=lambda each: (each.why, each.actions, each.resource)):
        is_allowed = any(policies.match(each.statement, each.pair, need) is Match.YES for each in permissions)
        is_proof = enforces and need.is_denied and not need.is_behind and is_allowed
        for each in denials:
            found = policies.match(each.statement, each.pair, need)
            if found is Match.YES and is_proof:
                each.judge(Use.USED, need.why)
                each.has_decided = True
            elif found is not Match.NO:
                each.judge(Use.UNKNOWN, f"perhaps by {need.why}")


def _why_unknown(need: RequiredAction, *, is_refused: bool) -> str:
    if is_refused:
        return f"{need.why} was refused"
    return f"perhaps by {need.why}" if need.is_sure else need.why


def _asked(permission: _Permission, need: RequiredAction) -> str:
    """Return the sufficient action that a permission has."""
    action = permission.pair[0].lower()
    return next((each for each in need.actions if each.lower() == action), need.action)


@dataclass(frozen=True)
class RoleJudge:
    """Decides whether AWS refuses a need that no statement of a role allows.

    Attributes:
        policies: The texts of the role's policies.
        role: The role.
        evidence: The evidence.
        is_whole: Whether these are all of its policies.
    """

    policies: Sequence[Policy]
    role: Resource
    evidence: Evidence
    is_whole: bool

    def denies(self, need: RequiredAction) -> bool:
        """Return whether a statement of the role denies a need."""
        return any(policies.denies(each, need) for each in self.policies)

    def outcome(self, need: RequiredAction) -> tuple[Outcome, str]:
        """Return the outcome of a need, and the reason."""
        if need.is_denied:
            return Outcome.DENIED, need.why
        if self.denies(need):
            return Outcome.NOT_ALLOWED, f"{need.why}; denied by a statement"
        if doubt := self._doubt(need):
            return Outcome.UNKNOWN, f"{need.why}; {doubt}"
        return Outcome.NOT_ALLOWED, need.why

    def _doubt(self, need: RequiredAction) -> str:
        """Return the reason why AWS may allow a need without a known statement, or an empty text."""
        if not self.is_whole:
            return "a policy's text is not known"
        if any(policies.may_allow(each, need) for each in self._for_the_role):
            return "the policy of the resource may allow it"
        if self.evidence.enforces and not need.is_behind:
            return "the backend has let it pass"
        if not need.is_behind and not self._is_of_the_stack(need.resource):
            return "the resource is not of this stack"
        return ""

    @cached_property
    def _for_the_role(self) -> list[Document]:
        return list(policies.for_a_role(str(self.role.values.get("arn")), self.evidence.resources))

    @cached_property
    def _arns(self) -> set[str]:
        arns = {str(each.values.get("arn") or "").removesuffix(":*") for each in self.evidence.resources}
        return arns - {""}

    def _is_of_the_stack(self, arn: str) -> bool:
        return arn == "*" or any(is_within(arn, owner) for owner in self._arns)


def _missing(lacks: Sequence[RequiredAction], judge: RoleJudge) -> tuple[Missing, ...]:
    found: dict[tuple[str, str], Missing] = {}
    for need in lacks:
        outcome, why = judge.outcome(need)
        each = Missing(action=need.action, resource=need.resource, outcome=outcome, why=why)
        known = found.setdefault((each.action, each.resource), each)
        if each.outcome > known.outcome:
            found[each.action, each.resource] = each
    return tuple(found[key] for key in sorted(found))
