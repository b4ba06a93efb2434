"""What has run in the sources of a bundle, by its source map: https://tc39.es/ecma426/.

The ranges that V8 has counted in the bundle become ranges of a source. So a source has the same lines as if
it ran by itself, except for what its language has besides code. Types count with the code around.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate, starmap
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.coverage.nodejs.lines import lines_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.coverage.nodejs.lines import Range

_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_CONTINUES, _BITS, _SIGN = 32, 5, 1  # of a digit, whose value is below 32; and of a number
_PLACED = 4  # a segment of fewer numbers comes from no source
_WIDE = re.compile("[\U00010000-\U0010ffff]")  # two units each, of those in which places are counted
_SPACE = re.compile(r"[ \t]*")
_BETWEEN = re.compile(r"\s*(export(\s+default)?)?\s*$")  # a statement and the next
_PUNCTUATION = ";,:? \t\r\n"  # after an expression
# The begin of a function, which a bundle leaves out if nothing uses it.
_FUNCTION = re.compile(
    r"\s*(export\s+)?(default\s+)?((async\s+)?function\b|(abstract\s+)?class\b|(const|let|var)\b.*=>)"
)
_WHOLE = ("function", "async function")  # the line itself is a part of the function


class Place(NamedTuple):
    """A place in a bundle, and the one in a source that it comes from. Both are offsets."""

    in_bundle: int
    in_source: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A source of a bundle.

    Attributes:
        file: The file.
        text: Its text, with two characters for one that takes two units of UTF-16.
        bundle: The text of the bundle, likewise.
        places: Where its parts are in the bundle, in their order there.
    """

    file: Path
    text: str
    bundle: str
    places: Sequence[Place]

    def lines_run(self, ranges: Iterable[Range]) -> set[int]:
        """Return the numbers of the lines that have run.

        Args:
            ranges: Ranges of the bundle, as `harness.coverage.nodejs.lines.lines_run` takes those of a file.
        """
        own = [found for each in ranges if (found := self._range(*each))]
        return lines_run(own, self.text) - self._left_out()

    def _range(self, begin: int, end: int, count: int) -> Range | None:
        """Return the range of this source that a range of the bundle comes from."""
        inside = [place for place in self.places if begin <= place.in_bundle < end]
        if not inside:
            return None
        if len(inside) == len(self.places):
            return 0, len(self.text), count
        first, last = inside[0], max(place.in_source for place in inside)
        starts_there = first.in_bundle == begin
        start = first.in_source if starts_there else len(self.text[: first.in_source].rstrip())
        return start, self._end(last, is_statement=self.bundle[end - 1] == ";"), count

    def _end(self, last: int, *, is_statement: bool) -> int:
        """Return the end of the part of the source that begins at `last`: an expression, or a statement."""
        if self.text.startswith("}", last):
            return last + 1
        following = min((place.in_source for place in self.places if place.in_source > last), default=None)
        part = _BETWEEN.sub("", self.text[last:following])
        return last + len(part if is_statement else part.rstrip(_PUNCTUATION))

    def _left_out(self) -> set[int]:
        """Return the lines of functions that are not in the bundle."""
        begins = _begins(self.text)
        there = {bisect_right(begins, place.in_source) for place in self.places}
        found, is_left_out = set(), False
        for number, line in enumerate(self.text.split("\n"), 1):
            if number in there:
                is_left_out = False
            elif is_left_out or line.startswith(_WHOLE):
                found.add(number)
            is_left_out |= number not in there and _FUNCTION.match(line) is not None
        return found


def sources_of(bundle: Path, folder: Path) -> list[Source]:
    """Return the sources of a bundle that has a source map beside it, without those of dependencies.

    Args:
        bundle: The file.
        folder: The folder that the sources are in. The map has their paths in `source`.
    """
    source_map = json.loads(bundle.with_name(f"{bundle.name}.map").read_bytes())
    built = _text_of(bundle)
    begins = _begins(built)
    files = [folder / Path(name).relative_to("source") for name in source_map["sources"]]
    texts = {file: _text_of(file) for file in files if "node_modules" not in file.parts and file.is_file()}
    starts = {file: _begins(text) for file, text in texts.items()}
    places: dict[Path, dict[int, int]] = {file: {} for file in texts}
    for row, column, source, line, at in _segments(source_map["mappings"]):
        if (file := files[source]) in texts:
            place = _after_space(built, begins[row] + column)  # a later one is of the code itself
            places[file][place] = _after_space(texts[file], starts[file][line] + at)
    return [
        Source(file=file, text=texts[file], bundle=built, places=[*starmap(Place, found.items())])
        for file, found in places.items()
        if found
    ]


def _text_of(file: Path) -> str:
    return _WIDE.sub("..", file.read_bytes().decode("utf-8", "replace"))


def _after_space(text: str, at: int) -> int:
    """Return the begin of the next part: esbuild maps indentations, and V8 counts from where code begins."""
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _begins(text: str) -> list[int]:
    return list(accumulate((len(line) + 1 for line in text.split("\n")), initial=0))


def _segments(mappings: str) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield the row and column of each segment, and the number, line and column of its source."""
    source = line = at = 0
    for row, segments in enumerate(mappings.split(";")):
        column = 0
        for segment in filter(None, segments.split(",")):
            moved = list(_numbers(segment))
            column += moved[0]
            if len(moved) >= _PLACED:
                source, line, at = source + moved[1], line + moved[2], at + moved[3]
                yield row, column, source, line, at


def _numbers(segment: str) -> Iterator[int]:
    """Yield the numbers that are encoded in a segment, by 5 bits per digit, the lowest first."""
    number = shift = 0
    for digit in map(_DIGITS.index, segment):
        number |= (digit & ~_CONTINUES) << shift
        shift += _BITS
        if not digit & _CONTINUES:
            yield -(number >> 1) if number & _SIGN else number >> 1
            number = shift = 0
