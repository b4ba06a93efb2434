"""The order in which the files of a suite run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest


def begin_with(files: Sequence[str], items: list[pytest.Item]) -> None:
    """Run some files first, in this order. The others follow in their own order."""
    places = {name: place for place, name in enumerate(files)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))
