"""Find the newest object in two calls to S3, or in three if the pointer needs repair."""

from typing import TYPE_CHECKING, NamedTuple

from s3_lambda_api.errors import BusyError
from s3_lambda_api.keys import ObjectName, parse_key
from s3_lambda_api.model import Entry, Stored
from s3_lambda_api.search import Rules, decode_trusted, names_anew, names_by_descent, names_since

if TYPE_CHECKING:
    from s3_lambda_api.pointer import Pointer
    from s3_lambda_api.store import Store

__all__ = ["Found", "latest"]


class Found(NamedTuple):
    """The newest object, and the defect of the pointer, if any.

    Attributes:
        stored: The object.
        repair: ``lost`` (missing or corrupt), ``stale``, ``dangling``, or None.
    """

    stored: Stored
    repair: str | None


def latest(store: "Store", rules: Rules) -> Found | None:
    """Return the newest object, or None if the bucket is empty.

    Raises:
        BusyError: S3 cannot answer now.
    """
    pointer = decode_trusted(store.read_pointer().raw, rules)
    if pointer is None:
        return _first(store, rules, names_anew(store, rules), "lost")
    if rules.is_stale(pointer.newest):
        names = names_since(store, pointer, rules)
        return _first(store, rules, names, None if names[:1] == pointer.names[:1] else "stale")
    stored = store.get(pointer.newest)
    return Found(stored, None) if stored else _around(store, pointer, rules)


def _first(store: "Store", rules: Rules, names: tuple[ObjectName, ...], repair: str | None) -> Found | None:
    """GET the first of the names. If somebody has deleted it, find the newest object by descent."""
    if not names:
        return None
    stored = store.get(names[0]) or _get_by_descent(store, rules)
    return Found(stored, repair) if stored else None


def _get_by_descent(store: "Store", rules: Rules) -> Stored | None:
    names = names_by_descent(store, rules)
    if not names:
        return None
    stored = store.get(names[0])
    if stored is None:
        raise BusyError("objects vanish while they are being read")
    return stored


def _around(store: "Store", pointer: "Pointer", rules: Rules) -> Found | None:
    """Return an answer although the pointer's object is gone, with the one call that is left.

    The listing proves that the object exists, and has its ETag and time. Its content follows from its name,
    and the listed size confirms that. Any other content takes one more call to fetch.
    """
    page = store.page_from(pointer.floor if len(pointer.names) > 1 else None)
    existing = {name: entry for entry in page.entries if (name := parse_key(entry.key))}
    names = rules.possible(existing)
    if not names or not page.complete:
        return _first(store, rules, names_anew(store, rules), "dangling")
    stored = _rebuild(names[0], existing[names[0]])
    return Found(stored, "dangling") if stored else _first(store, rules, names, "dangling")


def _rebuild(name: ObjectName, entry: Entry) -> Stored | None:
    return Stored(name, name.body, entry.etag, entry.modified) if entry.size == len(name.body) else None
