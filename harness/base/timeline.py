"""What a run spent its time on: spans, told as they end to whoever listens."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

type Kind = Literal["phase", "resource", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time in a run.

    Attributes:
        kind: `phase` (a step of the harness), `resource` (one that Terraform changed), or `test`.
        name: The step, the resource's address with what was done to it, or the test's id.
        begun: Seconds since the epoch.
        seconds: How long it took.
        ok: Whether it ended well.
    """

    kind: Kind
    name: str
    begun: float
    seconds: float
    ok: bool = True


type Listener = Callable[[Span], None]
type Starter = Callable[[str], None]

_LISTENERS: list[Listener] = []
_STARTERS: list[Starter] = []


def tell(span: Span) -> None:
    """Hand a span that has ended to every listener."""
    for listener in tuple(_LISTENERS):
        listener(span)


def begin(name: str) -> None:
    """Tell those who want to know that the span of this name has begun."""
    for starter in tuple(_STARTERS):
        starter(name)


@contextmanager
def listening(listener: Listener, starter: Starter = lambda _name: None) -> Iterator[None]:
    """Have `listener` called with every span that ends while the context is open, in any thread.

    Args:
        listener: Takes a span that has ended.
        starter: Takes the name of one that has begun; only those of this process are told.
    """
    _LISTENERS.append(listener)
    _STARTERS.append(starter)
    try:
        yield
    finally:
        _LISTENERS.remove(listener)
        _STARTERS.remove(starter)


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Tell the context's duration as a phase."""
    begin(name)
    begun, clock, ok = time.time(), time.monotonic(), False
    try:
        yield
        ok = True
    finally:
        tell(Span(kind="phase", name=name, begun=begun, seconds=time.monotonic() - clock, ok=ok))
