"""Traces: the report's data about one test, in a zip that `harness show-trace` opens on any machine."""

from __future__ import annotations

import json
import zipfile
import zlib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.redaction import Redaction
from harness.report import page
from harness.report.results import Run

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = "harness-trace"
VERSION = 1  # raised whenever older versions of the harness can't read new files
MEMBER = "trace.json"
MOST_BYTES = 8 * 1024 * 1024  # of the JSON of one test; the zip has about a tenth of it
MOST_OF_A_RUN = 64 * MOST_BYTES

_DISTRIBUTION = "terraform-lambda-harness"
_LONGEST = (32 * 1024, 8 * 1024, 2 * 1024, 512, 64)  # characters of a text, tried in turn
_EXPECTED = "expected a trace that `pytest --harness-trace` has written, got"
# Errors from JSON that is not a run, or has a text in place of a number.
_NO_RUN = (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError)


def write(run: Run, path: Path, redaction: Redaction | None = None, *, most: int = MOST_BYTES) -> None:
    """Write a trace of `run` to the file `path`, and create its folder if necessary.

    If its JSON would be larger than `most`, long texts lose their beginnings, and long lists too.

    Args:
        run: The run, with only the test to trace, or with all tests.
        path: The file.
        redaction: Removes secrets. By default, texts that look like one.
        most: The bytes that its JSON may have.

    Raises:
        OSError: The file can't be written.
    """
    plain = json.loads(run.redacted(redaction or Redaction()).to_json())
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MEMBER, _small_enough(plain, most))


def read(path: Path, *, most: int = MOST_BYTES) -> Run:
    """Return the run that a trace holds.

    Args:
        path: The file.
        most: The bytes that its JSON may have.

    Raises:
        HarnessError: The file is not a trace, is damaged, or has a later version.
        OSError: The file can't be read.
    """
    text = _member(path, most)
    try:
        content = json.loads(text)
        if content["format"] != FORMAT:
            raise HarnessError(f"{path}: {_EXPECTED} the format {str(content['format'])[:40]!r}")
        if content["version"] != VERSION:
            writer = f"{_DISTRIBUTION} {content['harness']}"
            raise HarnessError(
                f"{path}: {writer} has written it, in another format; open it with that version"
            )
        return Run.of(content["run"])
    except _NO_RUN as problem:
        raise _damage_error(path) from problem


def html(path: Path) -> str:
    """Return the report of a trace as HTML.

    Raises:
        HarnessError: The file is not a trace, is damaged, or has a later version.
        OSError: The file can't be read.
    """
    run = read(path)
    try:
        return page.render(run)
    except _NO_RUN as problem:
        raise _damage_error(path) from problem


def _member(path: Path, most: int) -> bytes:
    """Return the JSON in the zip, of no more bytes than `write` puts there."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = archive.getinfo(MEMBER).file_size
            if size > most:
                raise HarnessError(f"{path}: {_EXPECTED} {size / 1e6:,.0f} MB; it has at most {most >> 20}")
            return archive.read(MEMBER)
    except KeyError as problem:
        raise HarnessError(f"{path}: {_EXPECTED} a zip without {MEMBER}") from problem
    except zipfile.BadZipFile as problem:
        if zipfile.is_zipfile(path):
            raise _damage_error(path) from problem
        raise HarnessError(f"{path}: {_EXPECTED} a file that is no zip, or a part of one") from problem
    except (zlib.error, EOFError, NotImplementedError, RuntimeError) as problem:  # truncated; encrypted
        raise _damage_error(path) from problem


def _damage_error(path: Path) -> HarnessError:
    return HarnessError(f"{path}: {_EXPECTED} one that is damaged; download it again")


def _small_enough(plain: dict[str, Any], most: int) -> bytes:
    """Return the JSON of a trace, with texts and lists cut until it is small enough."""
    head = {"format": FORMAT, "version": VERSION, "harness": version(_DISTRIBUTION)}
    content = json.dumps({**head, "run": plain}).encode()
    for longest in _LONGEST:
        if len(content) <= most:
            break
        content = json.dumps({**head, "run": _cut(plain, longest)}).encode()
    return content


def _cut(value: Any, longest: int) -> Any:  # noqa: ANN401 - as JSON has it
    """Return JSON with the ends only of long lists, and of texts of more than `longest` characters."""
    match value:
        case str() if len(value) > longest:
            return f"[{len(value) - longest:,} characters before this are left out]\n{value[-longest:]}"
        case list():
            return [_cut(each, longest) for each in value[-max(longest // 16, 16) :]]
        case dict():
            return {name: _cut(each, longest) for name, each in value.items()}
        case _:
            return value
