"""Coverage for tools that review code: lcov and Cobertura."""

from __future__ import annotations

import time
from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from harness.coverage.levels import Coverage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ELSEWHERE = "(in no file)"


def by_file(coverage: Coverage) -> Iterator[tuple[str, Coverage]]:
    """Yield the coverage of each file, by name.

    Items that are in no file are in `ELSEWHERE`.
    """
    ordered = sorted(coverage.items, key=lambda each: (each.file, each.line, each.address))
    for file, inside in groupby(ordered, key=lambda each: each.file):
        yield file or ELSEWHERE, Coverage(tuple(inside))


def hits(part: Coverage) -> dict[int, int]:
    """Return the number of used items on each line, without lines that can't be judged."""
    lines = {each.line: 0 for each in part.judged}
    for each in part.judged:
        lines[each.line] += each.level.is_used
    return lines


def lcov(coverage: Coverage) -> str:
    """Format the coverage as lcov. A block's line has run as often as its resources were used.

    Items that can't be judged are left out.
    https://github.com/linux-test-project/lcov/blob/master/man/geninfo.1
    """
    return "".join(_record(name, part) for name, part in by_file(coverage) if name != ELSEWHERE)


def _record(name: str, part: Coverage) -> str:
    counts = hits(part)
    data = "".join(f"DA:{line},{count}\n" for line, count in counts.items())
    return f"TN:\nSF:{name}\n{data}LF:{len(counts)}\nLH:{_reached(counts)}\nend_of_record\n"


def cobertura(coverage: Coverage) -> str:
    """Return the coverage as Cobertura's XML: a file is a class, and lines are as for `lcov`.

    https://github.com/cobertura/cobertura/blob/master/cobertura/src/site/htdocs/xml/coverage-04.dtd
    """
    files = {name: hits(part) for name, part in by_file(coverage) if name != ELSEWHERE}
    whole = ET.Element("coverage", _rates([count for counts in files.values() for count in counts.values()]))
    whole.attrib |= {"complexity": "0", "version": "1", "timestamp": str(int(time.time()))}
    ET.SubElement(ET.SubElement(whole, "sources"), "source").text = "."
    packages = ET.SubElement(whole, "packages")
    for folder, inside in groupby(files, key=lambda name: name.rpartition("/")[0]):
        package = ET.SubElement(packages, "package", {"name": folder or ".", "complexity": "0"})
        classes = ET.SubElement(package, "classes")
        counted = [_class(classes, name, files[name]) for name in inside]
        package.attrib |= _line_rate([count for counts in counted for count in counts])
    ET.indent(whole)
    return ET.tostring(whole, "unicode", xml_declaration=True) + "\n"


def _class(classes: ET.Element, name: str, counts: Mapping[int, int]) -> list[int]:
    held = {"name": name.rpartition("/")[2], "filename": name, "complexity": "0"}
    each = ET.SubElement(classes, "class", {**held, **_line_rate(list(counts.values()))})
    ET.SubElement(each, "methods")
    lines = ET.SubElement(each, "lines")
    for line, count in counts.items():
        ET.SubElement(lines, "line", {"number": str(line), "hits": str(count)})
    return list(counts.values())


def _rates(counts: list[int]) -> dict[str, str]:
    covered = sum(count > 0 for count in counts)
    lines = {"lines-covered": str(covered), "lines-valid": str(len(counts))}
    return {**_line_rate(counts), **lines, "branches-covered": "0", "branches-valid": "0"}


def _line_rate(counts: list[int]) -> dict[str, str]:
    rate = sum(count > 0 for count in counts) / len(counts) if counts else 0.0
    return {"line-rate": f"{rate:.4f}", "branch-rate": "0"}


def _reached(counts: Mapping[int, int]) -> int:
    return sum(count > 0 for count in counts.values())
