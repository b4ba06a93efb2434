"""How far the tests have exercised the parts of resources: statements, patterns, variables. And outputs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.base.telemetry import outputs as reads
from harness.coverage.levels import Level
from harness.permissions import Statement, Use
from harness.stack.assertions.policies import statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.aws.calls import Call
    from harness.coverage.judge import Judgement
    from harness.permissions import Grant, RolePermissions
    from harness.values import Resource

_FUNCTION = "aws_lambda_function"
_RULE = "aws_cloudwatch_event_rule"
_WATCHED = ("python", "nodejs")  # runtimes whose functions show what they read
_POLICIES = frozenset({"aws_iam_role_policy", "aws_iam_policy"})
_OF_A_RESOURCE = re.compile(r"aws_(?!iam_)\w+_policy")  # kinds of policies that belong to a resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a resource.

    Attributes:
        owner: The resource's address.
        name: Its name in the resource.
        level: How far the tests have exercised it.
        why: The reason for the level.
        pattern: A regular expression for its line.
        place: Its file and line, if it stands in another block than the resource's.
        statement: The statement of a resource's own policy that it is. Its place is not known yet.
    """

    owner: str
    name: str
    level: Level
    why: str
    pattern: str = ""
    place: tuple[str, int] | None = None
    statement: Statement | None = None


def parts(
    resources: Sequence[Resource],
    calls: Sequence[Call],
    levels: Mapping[str, Judgement],
    roles: Iterable[RolePermissions],
) -> Iterator[Part]:
    """Yield the parts of a stack's resources.

    Args:
        resources: All resources of the stack.
        calls: The calls of the run.
        levels: The judgement of each resource, by address.
        roles: The judgements of the roles' permissions.
    """
    runs = [call for call in calls if call.service == "lambda-runtime"]
    for each in resources:
        if each.type == _FUNCTION:
            yield from _variables(each, levels[each.address], runs)
        if each.type == _RULE and each.values.get("event_pattern"):
            yield _pattern(each, levels[each.address])
        if _OF_A_RESOURCE.fullmatch(each.type):
            yield from _statements(each, levels[each.address])
    for statement, judgement in _own(roles, resources):
        level, why = judgement
        place = (statement.file, statement.line)
        yield Part(owner=statement.policy, name=_name(statement), level=level, why=why, place=place)


def policies(roles: Iterable[RolePermissions], resources: Sequence[Resource]) -> dict[str, Judgement]:
    """Judge the policies of roles. A policy was used as far as one of its statements was."""
    found: dict[str, Judgement] = {}
    for statement, judgement in _own(roles, resources):
        known = found.get(statement.policy, judgement)
        found[statement.policy] = max(known, judgement, key=lambda each: each[0])
    return found


def outputs(names: Iterable[str], readers: Mapping[str, str]) -> dict[str, Judgement]:
    """Judge the root's outputs, by address.

    Args:
        names: The names of the outputs.
        readers: The test that has read an output by its name, or all of them.
    """
    unread = Level.CREATED, "no test has read it"
    if reader := readers.get(reads.ALL):
        unread = Level.UNKNOWN, f"{reader} may have read it, with all outputs at once"
    return {
        f"output.{name}": (Level.USED, f"read by {readers[name]}") if name in readers else unread
        for name in names
    }


def _own(
    roles: Iterable[RolePermissions], resources: Sequence[Resource]
) -> Iterator[tuple[Statement, Judgement]]:
    """Yield the statements of policies that are separate resources, each with its judgement."""
    known = {each.address for each in resources if each.type in _POLICIES}
    for role in roles:
        yield from ((each, _of_grants(each.grants)) for each in role.statements if each.policy in known)
        yield from ((each, _of_denials(each.grants)) for each in role.denials if each.policy in known)


def _statements(policy: Resource, judgement: Judgement) -> Iterator[Part]:
    """Yield the statements of a resource's own policy. They share its judgement, as no call names one."""
    level, why = judgement
    for index, each in enumerate(statements(_document(policy))):
        statement = Statement(policy=policy.address, index=index, document=each, grants=())
        yield Part(owner=policy.address, name=_name(statement), level=level, why=why, statement=statement)


def _document(policy: Resource) -> dict[str, Any]:
    try:
        document = json.loads(policy.values.get("policy") or "{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _name(statement: Statement) -> str:
    return f"statement {statement.document.get('Sid') or statement.index + 1}"


def _of_grants(grants: Sequence[Grant]) -> Judgement:
    """Judge a statement.

    It counts as used only if a backend that enforces permissions has let a call pass because of it.
    """
    for grant in grants:
        if grant.has_decided:
            return Level.USED, f"it allowed {grant.why}"
    for grant in grants:
        if grant.use is Use.USED:
            return Level.UNKNOWN, f"{grant.why} needed it, and the backend does not enforce that"
        if grant.use is Use.UNKNOWN:
            return Level.UNKNOWN, grant.why
    return Level.CREATED, "nothing that has run needed it"


def _of_denials(denials: Sequence[Grant]) -> Judgement:
    """Judge a statement that denies something. It is used only if a call was refused because of it."""
    best = max(denials, key=lambda each: each.use, default=None)
    if best is None or best.use is Use.UNUSED:
        return Level.CREATED, "nothing that has run was denied by it"
    return (Level.USED, f"it denied {best.why}") if best.has_decided else (Level.UNKNOWN, best.why)


def _variables(function: Resource, judgement: Judgement, runs: Sequence[Call]) -> Iterator[Part]:
    """Yield the environment variables of a function."""
    arn = str(function.values.get("arn") or "")
    own = [run for run in runs if arn and run.concerns(arn)]
    runtime = str(function.values.get("runtime") or "")
    for environment in function.values.get("environment") or ():
        for name in sorted(environment.get("variables") or ()):
            level, why = (
                _variable(name, own, runtime)
                if judgement[0].is_used
                else (Level.CREATED, "the function has not run")
            )
            found = rf'(?<![\w"]){re.escape(name)}\s*=|"{re.escape(name)}"\s*[=:]'
            yield Part(
                owner=function.address, name=f"environment {name}", level=level, why=why, pattern=found
            )


def _variable(name: str, runs: Sequence[Call], runtime: str) -> Judgement:
    """Judge a variable of a function that has run, by what its runs have read."""
    if reader := next((run for run in runs if name in run.variables_read), None):
        return Level.USED, f"the function read it, request {reader.request_id}"
    if runs and all(name in run.variables_unread for run in runs):
        return Level.CREATED, "the function has not read it"
    if runtime.startswith(_WATCHED):
        return Level.UNKNOWN, "something else than a read of it by its name may have used it"
    return Level.UNKNOWN, f"no function of the runtime {runtime} shows what it reads"


def _pattern(rule: Resource, judgement: Judgement) -> Part:
    """Judge the pattern of a rule.

    It decided on the rule's work, unless a schedule may have.
    """
    level, why = judgement
    if level.is_used and rule.values.get("schedule_expression"):
        level, why = Level.UNKNOWN, "its rule has a schedule, too"
    return Part(
        owner=rule.address, name="event_pattern", level=level, why=why, pattern=r"^\s*event_pattern\s*="
    )
