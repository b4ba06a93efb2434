"""Who this process calls AWS for at the moment: the user agent of its calls tells an emulator's request log.

It is one for the whole process, threads included: a process runs one test at a time.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

HARNESS = "harness"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: `harness`, or `test:<node id>`; and since when, in seconds since the epoch, 0 for ever."""

    name: str
    since: float = 0.0


_CURRENT = [Caller(HARNESS)]


def current() -> Caller:
    """Return who calls at the moment."""
    return _CURRENT[-1]


def user_agent(own: str) -> str:
    """Return a user agent that tells who calls at the moment."""
    return f"{own} harness-caller/{quote(current().name, safe=':/')}".lstrip()


@contextmanager
def test_of(node_id: str) -> Iterator[None]:
    """Let calls count as a test's, from now on and while the context is open."""
    with _named(Caller(f"test:{node_id}", time.time())):
        yield


@contextmanager
def harness() -> Iterator[None]:
    """Let calls count as the harness's own, whatever test runs, while the context is open."""
    with _named(Caller(HARNESS, current().since)):
        yield


@contextmanager
def _named(caller: Caller) -> Iterator[None]:
    _CURRENT.append(caller)
    try:
        yield
    finally:
        _CURRENT.remove(caller)
