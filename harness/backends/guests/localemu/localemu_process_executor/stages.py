"""The stages of HTTP APIs, as URLs name them."""

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import unquote

_DEFAULT_STAGE = "$default"


def stage_and_path(stages: Collection[str], route: Mapping[str, Any]) -> tuple[str, str]:
    """Return the stage and the path that a URL asks for, decoded as a function gets it.

    The stage `$default` may be left out of a URL.

    Args:
        stages: The names of the API's stages.
        route: The `stage`, which is the first part of the URL's path, and the `path` behind it.
    """
    first, rest = route.get("stage") or _DEFAULT_STAGE, unquote(route.get("path") or "")
    if first in stages or first == _DEFAULT_STAGE:
        return first, f"/{rest}"
    return _DEFAULT_STAGE, "/".join(["", unquote(first), *([rest] if rest else [])])
