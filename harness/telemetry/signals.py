"""Signals: what is sent to one reaches whoever listens to it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)  # Python 3.12 can't make one that has slots, too
class Signal[T]:
    """Values of one kind, and who listens to them."""

    _listeners: list[Callable[[T], None]] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    @contextmanager
    def heard_by(self, listener: Callable[[T], None]) -> Iterator[None]:
        """Have `listener` called with each value that is sent while the context is open, in any thread."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def send(self, value: T) -> None:
        """Hand a value to every listener."""
        for listener in tuple(self._listeners):
            listener(value)
