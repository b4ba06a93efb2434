"""The calls of a run that policies deny, although the emulator was told to carry them out."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, override

from harness.aws.capabilities import PROBE
from harness.base import emulator_log
from harness.base.telemetry.recorder import Recorder

if TYPE_CHECKING:
    from pathlib import Path

_DENIAL = re.compile(r"IAM AUDIT DENY: (.+)")
_MOST_BYTES = 50 * 1024 * 1024


class DenialsRecorder(Recorder):
    """Gathers the denials in an emulator's log, as a plugin in the controller and in each worker.

    Attributes:
        denials: How often each was logged.
    """

    title = "calls that policies deny"

    def __init__(self) -> None:
        self.denials: Counter[str] = Counter()

    def record(self, log: Path | None, offset: int) -> None:
        """Take in the denials that an emulator has logged since its log was `offset` bytes long."""
        if log is None:
            return
        content, _ = emulator_log.since(log, offset, most=_MOST_BYTES)
        found = _DENIAL.findall(content.decode("utf-8", "replace"))
        self._include(Counter(each.strip() for each in found if f":user/{PROBE}" not in each))

    @override
    def to_json(self) -> str:
        return json.dumps(self.denials)

    @override
    def merge(self, gathered: str) -> None:
        self._include(Counter(json.loads(gathered)))

    @override
    def lines(self) -> list[str]:
        return [f"{count}x {denial}" for denial, count in self.denials.most_common()]

    @override
    def write_files(self) -> tuple[str, ...]:
        return ()

    @property
    @override
    def shortcomings(self) -> tuple[str, ...]:
        return ()

    @override
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.denials:
            super().pytest_terminal_summary(terminalreporter)

    def _include(self, denials: Counter[str]) -> None:
        """Keep the higher of two counts, because workers read the log of the same emulator."""
        self.denials |= denials
