"""Protocols with one error each. The checker must detect every one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_lambda_api.keys import ObjectName, parse_key
from s3_lambda_api.pointer import Pointer
from s3_lambda_api.search import Rules, decode_trusted, names_anew
from tests.race.driver import REAL, Conduct

if TYPE_CHECKING:
    from s3_lambda_api.store import WritableStore

__all__ = ["MUTANTS"]


def _blind_put(store: WritableStore, name: ObjectName, _rules: Rules) -> None:
    """Put the pointer without looking at the existing one."""
    store.create(name)
    store.index(name)
    while not store.swap_pointer(Pointer.of([name]).encode(), store.read_pointer().etag):
        pass


def _look_then_put(store: WritableStore, name: ObjectName, rules: Rules) -> None:
    """Look first, but put without a condition."""
    store.create(name)
    store.index(name)
    pointer = decode_trusted(store.read_pointer().raw, rules)
    if pointer is None or pointer.newest < name:
        while not store.swap_pointer(Pointer.of([name]).encode(), store.read_pointer().etag):
            pass


def _give_up(store: WritableStore, name: ObjectName, rules: Rules) -> None:
    """Treat a lost swap as somebody else's success."""
    store.create(name)
    store.index(name)
    raw, etag = store.read_pointer()
    pointer = decode_trusted(raw, rules)
    if pointer is None or pointer.newest < name:
        store.swap_pointer(Pointer.of([name]).encode(), etag)


def _forget(store: WritableStore, name: ObjectName, rules: Rules) -> None:
    """Restore a lost pointer at one's own name, whatever else exists."""
    store.create(name)
    store.index(name)
    while True:
        raw, etag = store.read_pointer()
        pointer = decode_trusted(raw, rules)
        if pointer is not None and pointer.newest >= name:
            return
        if store.swap_pointer(Pointer.of([name]).encode(), etag):
            return


def _heal_at_once(store: WritableStore, name: ObjectName, rules: Rules) -> None:
    """Search the bucket for a lost pointer without a claim, so that the pointer may come and go meanwhile."""
    store.create(name)
    store.index(name)
    while True:
        raw, etag = store.read_pointer()
        pointer = decode_trusted(raw, rules)
        if pointer is not None and pointer.newest >= name:
            return
        known = pointer.names if pointer else names_anew(store, rules)
        if store.swap_pointer(Pointer.of([name, *known]).encode(), etag):
            return


def _pointer_first(store: WritableStore, name: ObjectName, rules: Rules) -> None:
    """Point at the object before there is one."""
    while True:
        raw, etag = store.read_pointer()
        pointer = decode_trusted(raw, rules)
        if pointer is not None and pointer.newest >= name:
            break
        if store.swap_pointer(Pointer.of([name]).encode(), etag):
            break
    store.create(name)
    store.index(name)


def _trust(store: WritableStore, rules: Rules) -> ObjectName | None:
    """Read no more than the pointer and its object."""
    pointer = decode_trusted(store.read_pointer().raw, rules)
    stored = store.get(pointer.newest) if pointer else None
    return stored.name if stored else None


def _one_page(store: WritableStore, _rules: Rules) -> ObjectName | None:
    """Take the greatest name of the first page of the list, as the original did."""
    names = (parse_key(entry.key) for entry in store.page_from(None).entries)
    return max((name for name in names if name), default=None)


def _one_page_since(store: WritableStore, rules: Rules) -> ObjectName | None:
    """Take the greatest name of the first page behind a stale pointer, though there may be more."""
    pointer = decode_trusted(store.read_pointer().raw, rules)
    if pointer is None or not rules.is_stale(pointer.newest):
        return REAL.read(store, rules)
    names = (parse_key(entry.key) for entry in store.page_from(pointer.floor).entries)
    return max((name for name in names if name), default=None)


MUTANTS: dict[str, Conduct] = {
    "blind put": Conduct(write=_blind_put, read=REAL.read),
    "look, then put": Conduct(write=_look_then_put, read=REAL.read),
    "give up": Conduct(write=_give_up, read=REAL.read),
    "forget the rest": Conduct(write=_forget, read=REAL.read),
    "heal at once": Conduct(write=_heal_at_once, read=REAL.read),
    "pointer first, and trusted": Conduct(write=_pointer_first, read=_trust),
    "trust the pointer": Conduct(write=REAL.write, read=_trust),
    "one page": Conduct(write=REAL.write, read=_one_page),
    "one page since": Conduct(write=REAL.write, read=_one_page_since),
}
