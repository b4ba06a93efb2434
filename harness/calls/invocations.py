"""What functions were invoked with, as an emulator keeps it: `lambda_process_executor.events` writes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """An invocation that has ended.

    Attributes:
        function: The function's name.
        request_id: The id of the request.
        error: Lambda's word for how it failed; empty if it went well.
        event: What the function was invoked with.
    """

    function: str
    request_id: str
    error: str
    event: Any


def kept(folder: Path) -> Iterator[Invocation]:
    """Yield the invocations that an emulator has kept in a folder, the latest first."""
    for file in sorted(folder.glob("*.json"), reverse=True):
        try:
            fields = json.loads(file.read_text("utf-8"))
        except FileNotFoundError:  # taken away meanwhile, for a later one
            continue
        yield Invocation(**fields | {"event": json.loads(fields["event"])})
