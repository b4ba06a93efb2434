"""Names: the codec between an occurrence (time and id), its object key, its body and its index key. Pure.

Object keys are fixed in width and in UTC, so their lexicographic order is the order of time. Index keys
hold the same two values counted down from a maximum, so their order is the exact reverse and the first
key of a listing is the newest.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

__all__ = ["INDEX_PREFIX", "OBJECT_PREFIX", "POINTER_KEY", "ObjectName", "parse_index_key", "parse_key"]

OBJECT_PREFIX = "hello_world_"
POINTER_KEY = "latest.json"
INDEX_PREFIX = "by_newest/"  # sorts before OBJECT_PREFIX: the first page of a whole listing starts with it

_OBJECT_KEY = re.compile(
    OBJECT_PREFIX
    + r"([0-9]{4}-[0-9]{2}-[0-9]{2}T)([0-9]{2})-([0-9]{2})-([0-9]{2}\.[0-9]{6})Z_([0-9a-f]{8})\.txt"
)
_INDEX_KEY = re.compile(INDEX_PREFIX + r"([0-9a-f]{24})")
_EPOCH = datetime.min.replace(tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ID_BITS = 32
_LAST_RANK = (1 << 96) - 1


class ObjectName(NamedTuple):
    """One occurrence. Tuples compare in the order of their keys.

    Attributes:
        moment: When it happened: aware, UTC, microseconds.
        id: Eight lower-case hex digits that distinguish occurrences of one microsecond.
    """

    moment: datetime
    id: str

    @property
    def timestamp(self) -> str:
        """The moment as ISO 8601, always with six digits of fraction and ``Z``."""
        return self.moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"

    @property
    def key(self) -> str:
        """The object's key: 52 characters, no colons."""
        return f"{OBJECT_PREFIX}{self.timestamp.replace(':', '-')}_{self.id}.txt"

    @property
    def body(self) -> bytes:
        """The object's content, which depends on nothing but the name."""
        return f"Hello World. The current timestamp is {self.timestamp}.".encode()

    @property
    def index_key(self) -> str:
        """The key of the object's index entry: the later the occurrence, the earlier it sorts."""
        rank = ((self.moment - _EPOCH) // _MICROSECOND << _ID_BITS) | int(self.id, 16)
        return f"{INDEX_PREFIX}{_LAST_RANK - rank:024x}"


def parse_key(key: str) -> ObjectName | None:
    """Parse an object key, or return None for any other string."""
    match = _OBJECT_KEY.fullmatch(key)
    if match is None:
        return None
    date, hour, minute, second, identifier = match.groups()
    try:
        moment = datetime.fromisoformat(f"{date}{hour}:{minute}:{second}+00:00")
    except ValueError:  # digits in place, but no such day or hour
        return None
    # The hour 24 is another spelling of the next day. Only the canonical key is a name.
    name = ObjectName(moment, identifier)
    return name if name.key == key else None


def parse_index_key(key: str) -> ObjectName | None:
    """Parse an index key, or return None for any other string."""
    match = _INDEX_KEY.fullmatch(key)
    if match is None:
        return None
    ticks, identifier = divmod(_LAST_RANK - int(match[1], 16), 1 << _ID_BITS)
    try:
        return ObjectName(_EPOCH + ticks * _MICROSECOND, f"{identifier:08x}")
    except OverflowError:  # beyond the year 9999
        return None
