"""Writing: one occurrence becomes one object, once, and is the newest from then on unless a newer one is."""

import os
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from s3_lambda_api.errors import ConflictError, ContendedError
from s3_lambda_api.keys import ObjectName
from s3_lambda_api.pointer import Claim, Pointer, is_claim
from s3_lambda_api.search import Rules, decode_trusted, names_anew, names_since

if TYPE_CHECKING:
    from s3_lambda_api.store import WritableStore

__all__ = ["Written", "backoff", "record"]

_ATTEMPTS = 30
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 0.5


class Written(NamedTuple):
    """The writer's result.

    Attributes:
        key: The object's key.
        etag: The object's ETag.
        created: Whether this call created it. False for a retry or a second delivery of the event.
    """

    key: str
    etag: str | None
    created: bool


def backoff(attempt: int) -> None:
    """Sleep for a random time that grows with the number of attempts."""
    time.sleep(random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)))  # noqa: S311 - jitter, no secret


def record(
    store: "WritableStore", name: ObjectName, rules: Rules, pause: Callable[[int], None] = backoff
) -> Written:
    """Write object, index entry and pointer, in this order.

    Each step can be repeated without harm.

    At the end, the names that the pointer has passed are marked, so that the bucket's lifecycle can expire
    them.

    When this returns, the pointer is at this name or a newer one, so every later read answers no older.
    A writer that dies on the way leaves an object that the next delivery of its event completes.

    Raises:
        BusyError: S3 cannot answer now.
        ContendedError: Too many writers at once.
    """
    etag = _create(store, name, pause)
    store.index(name)
    for passed in _advance(store, name, rules, pause):
        store.supersede(passed)
    return Written(name.key, etag or store.etag(name), created=etag is not None)


def _create(store: "WritableStore", name: ObjectName, pause: Callable[[int], None]) -> str | None:
    for attempt in range(_ATTEMPTS):
        try:
            return store.create(name)
        except ConflictError:
            pause(attempt)
    raise ContendedError(_ATTEMPTS)


def _advance(
    store: "WritableStore", mine: ObjectName, rules: Rules, pause: Callable[[int], None]
) -> set[ObjectName]:
    """Move the pointer to this name or a newer one, and return the names that it has passed."""
    for attempt in range(_ATTEMPTS):
        raw, etag = store.read_pointer()
        pointer = decode_trusted(raw, rules)
        if pointer is not None and pointer.newest >= mine:
            return {mine} - {pointer.newest}
        successor = _successor(store, raw, mine, rules)
        if not store.swap_pointer(successor.encode(), etag):
            pause(attempt)
        elif isinstance(successor, Pointer):
            return {mine, *(pointer.names[:1] if pointer else ())} - {successor.newest}
    raise ContendedError(_ATTEMPTS)


def _successor(store: "WritableStore", raw: bytes | None, mine: ObjectName, rules: Rules) -> Pointer | Claim:
    """Return the replacement for these bytes: a claim if the pointer is lost, else a pointer."""
    pointer = decode_trusted(raw, rules)
    if pointer is None and not is_claim(raw):
        return Claim(os.urandom(16).hex())
    return Pointer.of([mine, *_gather_names(store, pointer, rules)])


def _gather_names(store: "WritableStore", pointer: Pointer | None, rules: Rules) -> tuple[ObjectName, ...]:
    """Return the names behind which the pointer must not fall.

    A fresh pointer is trusted. If the pointer is lost, the whole bucket is searched. A claim holds its place
    meanwhile, because an absent pointer has no ETag that would show a change. Readers look past a stale
    pointer, and may have seen a name whose writer died. Therefore the writer looks past it too.
    """
    if pointer is None:
        return names_anew(store, rules)
    return pointer.names + (names_since(store, pointer, rules) if rules.is_stale(pointer.newest) else ())
