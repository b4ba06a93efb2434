"""The time line of a run: spans, reported to listeners as they end."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.base.telemetry.signals import Signal

if TYPE_CHECKING:
    from collections.abc import Iterator

type Kind = Literal["phase", "resource", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time in a run.

    Attributes:
        kind: `phase` (a step of the harness), `resource` (changed by Terraform), or `test`.
        name: The step, the resource's address and change, or the test's id.
        begun: Seconds since the epoch.
        seconds: How long it took.
        ok: Whether it ended well.
    """

    kind: Kind
    name: str
    begun: float
    seconds: float
    ok: bool = True


BEGUN = Signal[str]()  # the name of a span of this process
ENDED = Signal[Span]()
PLANNED = Signal[int]()  # how many resources the Terraform command that runs is going to change


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Report the context's duration as a phase."""
    BEGUN.send(name)
    begun, clock, ok = time.time(), time.monotonic(), False
    try:
        yield
        ok = True
    finally:
        ENDED.send(Span(kind="phase", name=name, begun=begun, seconds=time.monotonic() - clock, ok=ok))
