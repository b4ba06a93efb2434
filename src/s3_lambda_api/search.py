"""Find the newest object without the pointer. Only reads, and is shared by writer and reader."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from s3_lambda_api.keys import OBJECT_PREFIX, ObjectName, parse_index_key, parse_key
from s3_lambda_api.pointer import Pointer

if TYPE_CHECKING:
    from s3_lambda_api.model import Page
    from s3_lambda_api.store import Store

__all__ = ["Rules", "decode_trusted", "names_anew", "names_by_descent", "names_since"]

_SLACK = timedelta(seconds=120)
_PAGE = 1000
_LEVELS = "--T--."  # the ends of year, month, day, hour, minute and second in an object key


class Rules(NamedTuple):
    """The limits for late and impossible names at one moment.

    Attributes:
        now: The present, aware.
        interval: Time between two scheduled objects.
        tolerance: How far in the future the writer lets an event's time lie.
    """

    now: datetime
    interval: timedelta
    tolerance: timedelta

    def is_stale(self, name: ObjectName) -> bool:
        """Return whether a newer object should exist by now."""
        return self.now - name.moment > self.interval + _SLACK

    def is_far_behind(self, name: ObjectName) -> bool:
        """Return whether the schedule alone has filled a page since."""
        return self.now - name.moment > self.interval * _PAGE

    def is_possible(self, name: ObjectName) -> bool:
        """Return whether a writer within the clock tolerance could have accepted this name."""
        return name.moment - self.now <= 2 * self.tolerance

    def possible(self, names: Iterable[ObjectName | None]) -> tuple[ObjectName, ...]:
        """Return the possible names, newest first."""
        counted = (name for name in names if name is not None and self.is_possible(name))
        return tuple(sorted(counted, reverse=True))


def decode_trusted(raw: bytes | None, rules: Rules) -> Pointer | None:
    """Decode a pointer, or return None if it is missing, corrupt or points into the future."""
    pointer = None if raw is None else Pointer.decode(raw)
    return pointer if pointer is not None and rules.is_possible(pointer.newest) else None


def names_since(store: "Store", pointer: Pointer, rules: Rules) -> tuple[ObjectName, ...]:
    """Return the names from the pointer's floor on, newest first, in one call.

    If that call is not enough, because the names are too many or too few, search from the start.
    """
    if rules.is_far_behind(pointer.floor):
        return names_anew(store, rules)
    page = store.page_from(pointer.floor)
    names = rules.possible(_objects(page))
    return names if names and page.complete else names_anew(store, rules)


def names_anew(store: "Store", rules: Rules) -> tuple[ObjectName, ...]:
    """Return names, newest first, without a pointer to start from, in one call.

    The first page of the bucket lists a small bucket completely, and the newest entries of a large one's
    index. If the index is too short for the objects beside it, because they are older than the index, search
    the names themselves by descent.
    """
    page = store.first_page()
    objects = [name for name in _objects(page) if name]
    if page.complete:
        return rules.possible(objects)
    indexed = rules.possible(parse_index_key(entry.key) for entry in page.entries)
    return indexed if indexed and 2 * len(indexed) >= len(objects) else names_by_descent(store, rules)


def names_by_descent(store: "Store", rules: Rules) -> tuple[ObjectName, ...]:
    """Return the names of the newest second that has any, newest first, without the index.

    Take the greatest year, its greatest month and so on. That is seven calls, whatever the size of the
    bucket. It takes a few more if malformed keys lead astray or one second has over 1000 objects.
    """
    return _descend(store, rules, OBJECT_PREFIX, _LEVELS)


def _descend(store: "Store", rules: Rules, prefix: str, levels: str) -> tuple[ObjectName, ...]:
    if not levels:
        return rules.possible(map(parse_key, store.keys_under(prefix)))
    for branch in reversed(store.branches(prefix, levels[0])):
        names = _descend(store, rules, branch, levels[1:])
        if names:
            return names
    return ()


def _objects(page: "Page") -> Iterable[ObjectName | None]:
    return (parse_key(entry.key) for entry in page.entries)
