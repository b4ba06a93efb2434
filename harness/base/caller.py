"""The caller that this process names in the user agent of its AWS calls, for an emulator's request log.

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
    """The caller, `harness` or `test:<node id>`.

    It has called `since` then, in seconds since the epoch. 0 stands for always.
    """

    name: str
    since: float = 0.0


_CURRENT = [Caller(HARNESS)]


def current() -> Caller:
    """Return the present caller."""
    return _CURRENT[-1]


def user_agent(own: str) -> str:
    """Return a user agent that names the present caller."""
    return f"{own} harness-caller/{quote(current().name, safe=':/')}".lstrip()


@contextmanager
def test_of(node_id: str) -> Iterator[None]:
    """Let calls count as a test's, from now on and while the context is open."""
    with _named(Caller(f"test:{node_id}", time.time())):
        yield


@contextmanager
def harness() -> Iterator[None]:
    """Count calls as the harness's own while the context is open, even if a test runs."""
    with _named(Caller(HARNESS, current().since)):
        yield


@contextmanager
def _named(caller: Caller) -> Iterator[None]:
    _CURRENT.append(caller)
    try:
        yield
    finally:
        _CURRENT.remove(caller)
