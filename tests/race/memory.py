"""A store in memory, with the semantics of S3 and pages of any size.

A missing key is only missing to a caller that may list it, as on S3: see ``tests/s3.py``.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime

from s3_lambda_api.keys import OBJECT_PREFIX, POINTER_KEY, ObjectName
from s3_lambda_api.model import Entry, Page, PointerRead, Stored
from tests.s3 import LISTABLE, access_denied, may_list

_MODIFIED = datetime(2026, 11, 23, tzinfo=UTC)


@dataclass(slots=True)
class MemoryStore:
    """The methods of the writer's store, on a dict of key to body and ETag. Not thread-safe."""

    page_size: int = 1000
    objects: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    superseded: set[ObjectName] = field(default_factory=set)
    etags: itertools.count[int] = field(default_factory=itertools.count)
    listable: tuple[str, ...] = LISTABLE

    def put(self, key: str, body: bytes) -> str:
        etag = f'"{next(self.etags)}"'
        self.objects[key] = (body, etag)
        return etag

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def read_pointer(self) -> PointerRead:
        return PointerRead(*(self._requested(POINTER_KEY) or (None, None)))

    def get(self, name: ObjectName) -> Stored | None:
        requested = self._requested(name.key)
        return Stored(name, *requested, _MODIFIED) if requested else None

    def first_page(self) -> Page:
        return self._page("", "")

    def page_from(self, name: ObjectName | None) -> Page:
        return self._page(OBJECT_PREFIX, name.key[:-1] if name else OBJECT_PREFIX)

    def branches(self, prefix: str, delimiter: str) -> list[str]:
        rest = [key.removeprefix(prefix) for key in self.keys_under(prefix)]
        return sorted(
            {prefix + text.partition(delimiter)[0] + delimiter for text in rest if delimiter in text}
        )

    def keys_under(self, prefix: str) -> list[str]:
        return sorted(key for key in self.objects if key.startswith(prefix))

    def create(self, name: ObjectName) -> str | None:
        return None if name.key in self.objects else self.put(name.key, name.body)

    def etag(self, name: ObjectName) -> str | None:
        return self.objects[name.key][1] if name.key in self.objects else None

    def index(self, name: ObjectName) -> None:
        self.put(name.index_key, b"")

    def supersede(self, name: ObjectName) -> None:
        self.superseded.add(name)

    def swap_pointer(self, raw: bytes, etag: str | None) -> bool:
        if self.objects.get(POINTER_KEY, (None, None))[1] != etag:
            return False
        self.put(POINTER_KEY, raw)
        return True

    def _requested(self, key: str) -> tuple[bytes, str] | None:
        if key not in self.objects and not may_list(key, self.listable):
            raise access_denied("GetObject", key)
        return self.objects.get(key)

    def _page(self, prefix: str, start_after: str) -> Page:
        keys = [key for key in self.keys_under(prefix) if key > start_after]
        entries = (
            Entry(key, self.objects[key][1], _MODIFIED, len(self.objects[key][0]))
            for key in keys[: self.page_size]
        )
        return Page(tuple(entries), complete=len(keys) <= self.page_size)
