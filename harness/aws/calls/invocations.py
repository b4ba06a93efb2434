"""The events of invocations that an emulator keeps. `lambda_process_executor.events` writes them."""

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
        error: Lambda's name for the failure. Empty if it succeeded.
        event: The function's event.
    """

    function: str
    request_id: str
    error: str
    event: Any


def read(folder: Path) -> Iterator[Invocation]:
    """Yield the invocations that an emulator has kept in a folder, the latest first."""
    for file in sorted(folder.glob("*.json"), reverse=True):
        try:
            fields = json.loads(file.read_text("utf-8"))
        except FileNotFoundError:  # removed in the meantime to make room for a later one
            continue
        yield Invocation(**fields | {"event": json.loads(fields["event"])})
