"""Locate the statements of policies in the project's own Terraform files."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.permissions.judge import judge_stack
from harness.permissions.verdicts import Permissions
from harness.terraform.hcl import declarations
from harness.terraform.hcl.addresses import name_of, place_inside, places_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.permissions.verdicts import RolePermissions, Statement
    from harness.stack.deployment import Deployment
    from harness.terraform.hcl.declarations import Block

_DATA = re.compile(r"\bdata\.aws_iam_policy_document\.([\w-]+)")

type Place = tuple[Path, int]


def permissions_of(stack: Deployment, root: Path, project: Path, *, since: float) -> Permissions:
    """Return the permissions of a stack's roles, judged by the calls since a moment.

    Args:
        stack: The stack, which still runs.
        root: Its root module.
        project: The directory to which file names are relative.
        since: In seconds since the epoch.

    Raises:
        BackendError: The backend keeps no request log.
    """
    roles = judge_stack(stack, since=since)
    return Permissions().merged(Permissions(tuple(with_places(roles, root, project))))


def with_places(roles: Sequence[RolePermissions], root: Path, project: Path) -> list[RolePermissions]:
    """Return roles with the file and line of their blocks, and of their statements.

    A statement of an `aws_iam_policy_document` has its own line, and so has one with a `Sid` in the policy's
    own block. Any other has the line of its policy.

    Args:
        roles: The roles.
        root: The root module.
        project: The directory to which file names are relative.
    """
    policies = {each.policy for role in roles for each in (*role.statements, *role.denials)}
    places = places_of([*(role.address for role in roles), *policies], root)

    found = []
    for role in roles:
        file, line = places.get(role.address, (None, 0))
        found.append(
            replace(
                role,
                statements=_with_places(role.statements, places, project),
                denials=_with_places(role.denials, places, project),
                file=name_of(file, project) if file else "",
                line=line,
            )
        )
    return found


def place_of(statement: Statement, owner: Place, project: Path) -> tuple[str, int]:
    """Return the file of a statement, relative to the project, and its line.

    Args:
        statement: The statement.
        owner: The place of its policy's block.
        project: The directory to which the file's name is relative.
    """
    file, line = _place(statement, owner)
    return name_of(file, project), line


def _with_places(
    statements: Sequence[Statement], places: Mapping[str, Place], project: Path
) -> tuple[Statement, ...]:
    return tuple(_with_place(each, places.get(each.policy), project) for each in statements)


def _with_place(statement: Statement, owner: Place | None, project: Path) -> Statement:
    if not owner:
        return statement
    file, line = place_of(statement, owner, project)
    return replace(statement, file=file, line=line)


def _place(statement: Statement, owner: Place) -> Place:
    """Return the place of a statement, or that of the policy's block."""
    blocks = declarations.blocks(owner[0].parent)
    block = next((each for each in blocks if (each.file, each.line) == owner), None)
    expression = block.attributes.get("policy", "") if block else ""
    if named := _DATA.search(expression):
        wanted = ("aws_iam_policy_document", named[1])
        document = next((each for each in blocks if each.type == "data" and each.labels == wanted), None)
        return _in_a_document(statement, document) if document else owner
    return _place_of_sid(statement, owner) if expression else owner


def _in_a_document(statement: Statement, document: Block) -> Place:
    held = [each for each in document.blocks if "statement" in {each.type, *each.labels}]
    sid = str(statement.document.get("Sid") or "")
    for each in held:
        if sid and sid in _sids(each):
            return each.file, each.line
    is_plain = all(each.type == "statement" for each in held)
    if is_plain and not sid and statement.index < len(held):
        return held[statement.index].file, held[statement.index].line
    return document.file, document.line


def _sids(block: Block) -> Iterator[str]:
    for each in (block, *block.blocks):
        if sid := each.literal("sid"):
            yield sid


def _place_of_sid(statement: Statement, owner: Place) -> Place:
    sid = statement.document.get("Sid")
    return place_inside(owner, rf'\bSid"?\s*[=:]\s*"{re.escape(str(sid))}"') if sid else owner
