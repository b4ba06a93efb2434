"""Signals, which deliver values to listeners."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)  # no slots, because Python 3.12 can't combine them with a generic dataclass
class Signal[T]:
    """A stream of values of one type, and its listeners."""

    _listeners: list[Callable[[T], None]] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    @contextmanager
    def heard_by(self, listener: Callable[[T], None]) -> Iterator[None]:
        """Call `listener` with each value that is sent while the context is open, in any thread."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def send(self, value: T) -> None:
        """Hand a value to every listener."""
        for listener in tuple(self._listeners):
            listener(value)
