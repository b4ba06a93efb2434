"""The lines of a file that have run, by the counts of V8.

V8 counts ranges of a file, by functions and by the blocks in them. A line has the count of the innermost
range that it lies in as a whole, as in Node.js's own reports. What V8 tells:
https://chromedevtools.github.io/devtools-protocol/v8/Profiler/#type-CoverageRange
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

type Range = tuple[int, int, int]

_UTF16_UNIT = 2  # bytes: V8 counts in these


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A file that V8 has run.

    Attributes:
        file: The file.
        text: Its text, as V8 reads it.
    """

    file: Path
    text: str

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read a file."""
        return cls(file=file, text=file.read_bytes().decode("utf-8", "replace"))

    def lines_run(self, ranges: Iterable[Range]) -> set[int]:
        """Return the numbers of the lines that have run."""
        return lines_run(ranges, self.text)


def lines_run(ranges: Iterable[Range], text: str) -> set[int]:
    """Return the numbers of the lines that have run.

    Args:
        ranges: Where each begins and ends, in units of UTF-16, and how often it ran: outer ones first.
        text: The file's, with its line ends as they are.
    """
    lines = text.split("\n")
    begins = list(accumulate((_units(line) + 1 for line in lines), initial=0))
    ends = [begin + _units(line.removesuffix("\r")) for begin, line in zip(begins, lines, strict=False)]
    counts = [0] * len(lines)
    for begin, end, count in ranges:
        first, last = bisect_left(begins, begin, hi=len(lines)), bisect_right(ends, end)
        counts[first:last] = [count] * max(0, last - first)
    return {number for number, count in enumerate(counts, 1) if count}


def lines_of_code(text: str) -> set[int]:
    """Return the numbers of the lines that are neither blank nor a comment by themselves."""
    found, in_comment = set(), False
    for number, line in enumerate(text.split("\n"), 1):
        content = line.strip()
        while in_comment or content.startswith("/*"):
            _, ending, content = content.partition("*/")
            content, in_comment = content.strip(), not ending
            if in_comment:
                break
        if content and not content.startswith(("//", "#!")):
            found.add(number)
    return found


def _units(line: str) -> int:
    return len(line.encode("utf-16-le", "surrogatepass")) // _UTF16_UNIT
