"""The pointer object: which names it holds, and its JSON form. Pure."""

import json
from collections.abc import Iterable
from typing import NamedTuple

from s3_lambda_api.keys import ObjectName, parse_key

__all__ = ["MAX_BYTES", "Claim", "Pointer", "is_claim"]

MAX_BYTES = 16_384  # a pointer has about 1 kB, so anything longer is not one
_REMEMBERED = 16
_CLAIM = "claimed_by"


class Pointer(NamedTuple):
    """The newest name and its forerunners.

    Attributes:
        names: At least one and at most 16 names, newest first.
    """

    names: tuple[ObjectName, ...]

    @property
    def newest(self) -> ObjectName:
        """The name this pointer points at."""
        return self.names[0]

    @property
    def floor(self) -> ObjectName:
        """The oldest name remembered: listing from here is short, and finds one even if some are gone."""
        return self.names[-1]

    @classmethod
    def of(cls, names: Iterable[ObjectName]) -> "Pointer":
        """Make a pointer at the newest of at least one name."""
        return cls(tuple(sorted(set(names), reverse=True)[:_REMEMBERED]))

    @classmethod
    def decode(cls, raw: bytes) -> "Pointer | None":
        """Parse the JSON form, or return None if it is corrupt. Only ``key`` is required."""
        try:
            fields = json.loads(raw)
        except (ValueError, RecursionError):
            return None
        newest = _name(fields.get("key")) if isinstance(fields, dict) else None
        if newest is None:
            return None
        recent = fields.get("recent")
        older = map(_name, recent) if isinstance(recent, list) else ()
        return cls.of([newest, *(name for name in older if name is not None and name < newest)])

    def encode(self) -> bytes:
        """Write the JSON form."""
        fields = {
            "key": self.newest.key,
            "timestamp": self.newest.timestamp,
            "recent": [name.key for name in self.names[1:]],
        }
        return json.dumps(fields).encode()


class Claim(NamedTuple):
    """A placeholder for a lost pointer until the newest name is found.

    It is not a pointer, so every reader ignores it. No two claims are equal, so replacing a claim by the
    pointer succeeds only if nobody has changed it in the meantime.

    Attributes:
        nonce: Makes it different from any other.
    """

    nonce: str

    def encode(self) -> bytes:
        """Write the JSON form."""
        return json.dumps({_CLAIM: self.nonce}).encode()


def is_claim(raw: bytes | None) -> bool:
    """Return whether these bytes are a claim."""
    return raw is not None and raw.startswith(f'{{"{_CLAIM}": '.encode())


def _name(value: object) -> ObjectName | None:
    return parse_key(value) if isinstance(value, str) else None
