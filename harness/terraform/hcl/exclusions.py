"""Resources that coverage leaves out because of a comment: `# harness: no cover`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.terraform.hcl.addresses import modules_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.terraform.hcl.addresses import Place

_COMMENT = re.compile(r"(?:#|//|/\*).*\bharness: no cover\b")


def is_marked(place: Place) -> bool:
    """Whether a line has the comment."""
    file, line = place
    lines = file.read_text("utf-8-sig", "replace").splitlines()
    return 0 < line <= len(lines) and bool(_COMMENT.search(lines[line - 1]))


def is_left_out(address: str, places: Mapping[str, Place]) -> bool:
    """Return whether the comment is in the block of a resource or an output, or of a module around it."""
    return any(each in places and is_marked(places[each]) for each in (address, *modules_of(address)))
