"""Open reports and traces in a browser. The modules that make them are imported only when needed."""

from __future__ import annotations

import json
import tempfile
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterable

_CACHE = Path(".pytest_cache") / "v"  # where pytest keeps notes of a run
_REMEDY = "`pytest --harness-report=report.html` writes one"


def last_report(folder: Path) -> Path:
    """Return the report of the last run of the project in or above `folder`.

    Raises:
        HarnessError: No run has written a report, or it is gone.
    """
    from harness.report.diagnosis.summary import LAST_REPORT

    places = (above / _CACHE / LAST_REPORT for above in (folder, *folder.parents))
    noted = next(filter(Path.is_file, places), None)
    if noted is None:
        raise HarnessError(f"no run in {folder} has written a report; {_REMEDY}")
    try:
        report = Path(json.loads(noted.read_text("utf-8")))
    except (ValueError, TypeError):
        raise HarnessError(f"{noted}: expected the path of a report; {_REMEDY} anew") from None
    if not report.is_file():
        raise HarnessError(f"the last report, {report}, is gone; {_REMEDY} anew")
    return report


def write_page(trace: Path, target: Path | None) -> Path:
    """Write the page of a trace, by default into a new temporary folder, and return its path.

    Raises:
        HarnessError: The file is not a trace.
        OSError: The trace can't be read, or the page can't be written.
    """
    from harness.report import trace_file

    content = trace_file.html(trace)
    file = target or Path(tempfile.mkdtemp(prefix="harness-trace-")) / f"{trace.stem}.html"
    file.write_text(content, "utf-8", newline="\n")
    return file.resolve()


def merge(records: Iterable[Path], target: Path | None) -> Path:
    """Write one report of several runs, and return its path.

    Args:
        records: The records, or folders with records.
        target: Where to write it. By default, into a new temporary folder.

    Raises:
        HarnessError: There is no record, or a file is not a record.
        OSError: A record can't be read, or the report can't be written.
    """
    from harness.report import page
    from harness.report.derived import shards

    file = target or Path(tempfile.mkdtemp(prefix="harness-report-")) / "report.html"
    page.write(shards.read(records), file)
    return file.resolve()


def open_page(url: str) -> bool:
    """Open a page in the browser, and return whether there is a browser."""
    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False
