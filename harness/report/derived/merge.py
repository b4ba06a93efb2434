"""Merge the results of a suite's shards, each in a folder of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from junitparser import JUnitXml, JUnitXmlError

from harness.coverage import reports as coverage
from harness.errors import HarnessError
from harness.permissions import saved as permissions
from harness.report import page
from harness.report.derived import shards as runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_SQLITE = b"SQLite format 3\0"
_REMEDY = "a shard leaves some with `pytest --harness-report=FOLDER/report.zip --junitxml=FOLDER/junit.xml`"


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of result.

    Attributes:
        target: The name of the merged file.
        pattern: The names of its files.
        is_one: Whether a file with such a name is one.
        merge: Merges files into the target.
    """

    target: str
    pattern: str
    is_one: Callable[[Path], bool]
    merge: Callable[[Sequence[Path], Path], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A merged file.

    Attributes:
        file: The file.
        shards: How many shards had a part of it.
    """

    file: Path
    shards: int


def merge(shards: Sequence[Path], folder: Path) -> list[Merged]:
    """Merge what shards have left, each in a folder of its own, and return the merged files.

    Reports come from their records. JUnit files, the data of coverage.py, coverage of Terraform, and
    permissions are recognised by their content.

    Args:
        shards: The folders.
        folder: Where to write the merged files. It is created if necessary.

    Raises:
        HarnessError: A shard has left no results, or a file can't be merged.
        OSError: A file can't be read or written.
    """
    found = {kind: [list(_files(kind, shard)) for shard in shards] for kind in _KINDS}
    for number, shard in enumerate(shards):
        if not any(files[number] for files in found.values()):
            raise HarnessError(f"{shard}: expected a folder with results, found none; {_REMEDY}")
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _merged(kind, [files for files in of_shards if files], folder)
        for kind, of_shards in found.items()
        if any(of_shards)
    ]


def _files(kind: _Kind, shard: Path) -> Iterator[Path]:
    return (file for file in sorted(shard.rglob(kind.pattern)) if file.is_file() and kind.is_one(file))


def _merged(kind: _Kind, of_shards: Sequence[Sequence[Path]], folder: Path) -> Merged:
    target = folder / kind.target
    kind.merge([file for files in of_shards for file in files], target)
    return Merged(file=target, shards=len(of_shards))


def _is_junit(file: Path) -> bool:
    with file.open("rb") as content:
        try:
            _event, root = next(ET.iterparse(content, events=["start"]))  # noqa: S314 - a result of the user's own
        except ET.ParseError:
            return False
    return root.tag in {"testsuite", "testsuites"}


def _is_coverage(file: Path) -> bool:
    with file.open("rb") as content:
        return content.read(len(_SQLITE)) == _SQLITE


def _has_format(name: str) -> Callable[[Path], bool]:
    """Return whether a file is JSON that names this as its format."""

    def has_format(file: Path) -> bool:
        try:
            content = json.loads(file.read_text("utf-8"))
        except ValueError:
            return False
        return isinstance(content, dict) and content.get("format") == name

    return has_format


def _merge_records(records: Sequence[Path], target: Path) -> None:
    page.write(runs.read(records), target)


def _merge_junit(files: Sequence[Path], target: Path) -> None:
    together = JUnitXml("pytest tests")
    for file in files:
        try:
            together += JUnitXml.fromfile(str(file))
        except (ET.ParseError, JUnitXmlError) as problem:
            raise HarnessError(f"{file}: expected a JUnit file: {problem}") from None
    together.write(str(target))


def _merge_coverage(files: Sequence[Path], target: Path) -> None:
    try:
        from coverage import Coverage, CoverageData, CoverageException  # noqa: PLC0415 - an extra
    except ImportError:
        raise HarnessError(f"{files[0]}: merging coverage takes coverage.py; install pytest-cov") from None
    for file in files:
        try:
            CoverageData(str(file)).read()
        except CoverageException as problem:  # of which `combine` would only warn
            raise HarnessError(f"{file}: expected data of coverage.py: {problem}") from None
    together = Coverage(data_file=target)
    together.combine(map(str, files), keep=True)
    together.save()


def _merge_iac_coverage(files: Sequence[Path], target: Path) -> None:
    target.write_text(coverage.merge(files).to_json(), "utf-8")


def _merge_permissions(files: Sequence[Path], target: Path) -> None:
    target.write_text(permissions.merge(files).to_json(), "utf-8")


_KINDS = (
    _Kind("report.html", "report*.zip", lambda _: True, _merge_records),
    _Kind("junit.xml", "*.xml", _is_junit, _merge_junit),
    _Kind("coverage.data", "*coverage*", _is_coverage, _merge_coverage),
    _Kind("iac-coverage.json", "*.json", _has_format("harness-iac-coverage"), _merge_iac_coverage),
    _Kind("permissions.json", "*.json", _has_format("harness-permissions"), _merge_permissions),
)
