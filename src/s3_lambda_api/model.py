"""What passes between the store and the logic: plain values."""

from datetime import datetime
from typing import NamedTuple

from s3_lambda_api.keys import ObjectName

__all__ = ["Entry", "Page", "PointerRead", "Stored"]


class Entry(NamedTuple):
    """One line of a listing; ``size`` in bytes."""

    key: str
    etag: str
    modified: datetime
    size: int


class Page(NamedTuple):
    """One answer of a listing, ascending; ``complete`` says that nothing follows it."""

    entries: tuple[Entry, ...]
    complete: bool


class PointerRead(NamedTuple):
    """The pointer's bytes and ETag; both None if there is no pointer."""

    raw: bytes | None
    etag: str | None


class Stored(NamedTuple):
    """An object: its name, and what S3 says of it."""

    name: ObjectName
    body: bytes
    etag: str
    modified: datetime
