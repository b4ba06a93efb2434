"""Watch a command for progress, and show what it waits for and what the emulator complains of."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.base import emulator_log

if TYPE_CHECKING:
    from pathlib import Path

    from harness.terraform.events import EventLog

log = logging.getLogger(__name__)

SILENCE = 60.0  # seconds


@dataclass(slots=True, kw_only=True)
class Watch:
    """Watches one command.

    Attributes:
        command: Its name, such as `apply`.
        events: The command's events.
        log: The emulator's log, if it has one.
    """

    command: str
    events: EventLog
    log: Path | None
    _offset: int = field(init=False)
    _told: float = field(init=False)

    def __post_init__(self) -> None:
        """Remember the present end of the emulator's log."""
        self._offset = emulator_log.size(self.log)
        self._told = time.monotonic()

    def look(self) -> None:
        """Once a minute, report what the command waits for if it has been silent for a minute."""
        now, last = time.monotonic(), self.events.last_news
        if now - max(last, self._told) < SILENCE:
            return
        self._told = now
        waiting = ", ".join(self.events.pending()) or "an answer"
        log.info(
            "\n  ".join(
                [
                    f"terraform {self.command}: nothing new for {now - last:.0f} s; waiting for {waiting}",
                    *self.complaints(),
                ]
            )
        )

    def complaints(self) -> list[str]:
        """Return the emulator's complaints since the command began."""
        found = emulator_log.complaints_since(self.log, self._offset)
        return [f"the emulator says: {line}" for line in found]
