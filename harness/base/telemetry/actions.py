"""The actions of a test: it sends, calls, waits and checks. Listeners get each one as it ends."""

from __future__ import annotations

import inspect
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.base.telemetry.signals import Signal

if TYPE_CHECKING:
    from collections.abc import Iterator

type Kind = Literal["fire", "call", "wait", "assert"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action of a test.

    Attributes:
        kind: `fire` for an event or message, `call` for an API, `wait`, or `assert`.
        name: The thing that was sent, called, awaited or checked.
        begun: Seconds since the epoch.
        seconds: How long it took.
        ok: Whether it ended well.
        place: The calling line outside the harness, as `file:line`. Empty if there is none.
    """

    kind: Kind
    name: str
    begun: float
    seconds: float
    ok: bool = True
    place: str = ""


ENDED = Signal[Action]()

_THREAD = threading.local()
_NOT_THE_USERS = frozenset({"harness", "contextlib", "threading", "concurrent", "_pytest", "pluggy"})


def report(kind: Kind, name: str, *, begun: float, ok: bool = True) -> None:
    """Send listeners an action that ends now.

    Args:
        kind: The kind of action.
        name: The thing that was sent, called, awaited or checked.
        begun: When it began, in seconds since the epoch.
        ok: Whether it ended well.
    """
    if not ENDED:
        return
    seconds = max(0.0, time.time() - begun)
    ENDED.send(Action(kind=kind, name=name, begun=begun, seconds=seconds, ok=ok, place=_place()))


@contextmanager
def reported(kind: Kind, name: str) -> Iterator[None]:
    """Report the context as one action, without any actions inside it."""
    if getattr(_THREAD, "is_reported", False):
        yield
        return
    begun, ok, _THREAD.is_reported = time.time(), False, True
    try:
        yield
        ok = True
    finally:
        _THREAD.is_reported = False
        report(kind, name, begun=begun, ok=ok)


def _place() -> str:
    """Return the innermost line outside the harness and its tools."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] not in _NOT_THE_USERS:
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
