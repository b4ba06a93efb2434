"""What else a run has found out at its end, beside its tests, told to whoever listens."""

from __future__ import annotations

from dataclasses import dataclass

from harness.telemetry.signals import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Something that was found out.

    Attributes:
        title: What it is about.
        text: What was found, in lines.
        page: The HTML file that shows it better; empty if there is none.
    """

    title: str
    text: str
    page: str = ""


TOLD = Signal[Section]()
