"""The values that pass between the store and the logic."""

from datetime import datetime
from typing import NamedTuple

from s3_lambda_api.keys import ObjectName

__all__ = ["Entry", "Page", "PointerRead", "Stored"]


class Entry(NamedTuple):
    """One line of a listing. ``size`` is in bytes."""

    key: str
    etag: str
    modified: datetime
    size: int


class Page(NamedTuple):
    """One answer of a listing, ascending. ``complete`` means that it is the last one."""

    entries: tuple[Entry, ...]
    complete: bool


class PointerRead(NamedTuple):
    """The pointer's bytes and ETag. Both are None if there is no pointer."""

    raw: bytes | None
    etag: str | None


class Stored(NamedTuple):
    """An object, with its name and S3's metadata."""

    name: ObjectName
    body: bytes
    etag: str
    modified: datetime
