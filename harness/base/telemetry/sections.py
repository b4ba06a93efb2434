"""Further findings at the end of a run, besides its tests, reported to listeners."""

from __future__ import annotations

from dataclasses import dataclass

from harness.base.telemetry.signals import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Something that was found out.

    Attributes:
        title: The title.
        text: The findings, in lines.
        page: The HTML file that shows them in detail. Empty if there is none.
    """

    title: str
    text: str
    page: str = ""


READY = Signal[Section]()
