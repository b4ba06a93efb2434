"""The coverage of a stack that runs: resources, their parts and outputs, with their places in files."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from harness import permissions
from harness.aws import capabilities
from harness.base import caller
from harness.base.telemetry import outputs
from harness.coverage import parts
from harness.coverage.judge import judge_resources
from harness.coverage.levels import Coverage, CoverageItem
from harness.permissions.places import place_of as place_of_statement
from harness.permissions.places import with_places
from harness.stack.assertions.policies import like
from harness.terraform.hcl import exclusions
from harness.terraform.hcl.addresses import modules_of, name_of, place_inside, places_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.coverage.parts import Part
    from harness.stack.deployment import Deployment

_ENFORCEMENT = "iam_enforcement"
_NOWHERE = ("", 0)
UNWATCHED: Mapping[str, str] = MappingProxyType({outputs.ALL: "somebody"})


def coverage_of(
    stack: Deployment,
    root: Path,
    project: Path,
    *,
    since: float,
    readers: Mapping[str, str] = UNWATCHED,
    excluded: Sequence[str] = (),
) -> Coverage:
    """Return the coverage of a stack by the calls that were made since a moment.

    Args:
        stack: The stack, which still runs.
        root: Its root module.
        project: The directory to which file names are relative.
        since: In seconds since the epoch.
        readers: The test that has read an output of the root, by the output's name. By default, nobody has
            watched, and any output may have been read.
        excluded: Patterns of the addresses and files that are left out.

    Raises:
        BackendError: The backend keeps no request log.
    """
    calls, resources = stack.calls(since=since), stack.terraform.resources()
    with caller.harness():
        enforces = not capabilities.missing(stack.endpoint, [_ENFORCEMENT])
    roles = with_places(permissions.judge_roles(resources, calls, enforces=enforces), root, project)
    levels = {**judge_resources(resources, calls, enforces=enforces), **parts.policies(roles, resources)}
    whole = {**levels, **parts.outputs(stack.terraform.outputs().untraced, readers)}
    places = places_of({*whole, *(each for address in whole for each in modules_of(address))}, root)

    def place_of(address: str, pattern: str = "") -> tuple[str, int]:
        if address not in places:
            return _NOWHERE
        file, line = place_inside(places[address], pattern) if pattern else places[address]
        return name_of(file, project), line

    def is_wanted(owner: str, item: CoverageItem) -> bool:
        names = [name for name in (owner, item.address, item.file) if name]
        by_pattern = any(like(name, pattern) for name in names for pattern in excluded)
        by_line = bool(item.file) and exclusions.is_marked((project / item.file, item.line))
        return not (by_pattern or by_line or exclusions.is_left_out(owner, places))

    def place_of_part(part: Part) -> tuple[str, int]:
        if part.statement and part.owner in places:
            return place_of_statement(part.statement, places[part.owner], project)
        return part.place or place_of(part.owner, part.pattern)

    def covered(part: Part) -> CoverageItem:
        file, line = place_of_part(part)
        name = f"{part.owner} {part.name}"
        return CoverageItem(address=name, level=part.level, why=part.why, file=file, line=line)

    items = [(each.owner, covered(each)) for each in parts.parts(resources, calls, levels, roles)]
    for address, (level, why) in whole.items():
        file, line = place_of(address)
        items.append((address, CoverageItem(address=address, level=level, why=why, file=file, line=line)))
    return Coverage().merged(item for owner, item in items if is_wanted(owner, item))
