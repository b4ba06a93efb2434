"""Reports and traces in a browser."""

from __future__ import annotations

import json
import tempfile
import webbrowser
from pathlib import Path

from harness.diagnosis.summary import LAST_REPORT
from harness.errors import HarnessError
from harness.report import trace_file

_CACHE = Path(".pytest_cache") / "v" / LAST_REPORT  # where pytest keeps what a run has noted
_REMEDY = "`pytest --harness-report=report.html` writes one"


def last_report(folder: Path) -> Path:
    """Return the report that the last run of the project in or above `folder` has written.

    Raises:
        HarnessError: No run has written one, or it is gone.
    """
    noted = next((above / _CACHE for above in (folder, *folder.parents) if (above / _CACHE).is_file()), None)
    if noted is None:
        raise HarnessError(f"no run in {folder} has written a report; {_REMEDY}")
    try:
        report = Path(json.loads(noted.read_text("utf-8")))
    except (ValueError, TypeError):
        raise HarnessError(f"{noted}: expected the path of a report; {_REMEDY} anew") from None
    if not report.is_file():
        raise HarnessError(f"the last report, {report}, is gone; {_REMEDY} anew")
    return report


def written(trace: Path, target: Path | None) -> Path:
    """Write the page of a trace, by default into a new temporary folder, and return its path.

    Raises:
        HarnessError: The file is no trace.
        OSError: The trace can't be read, or the page can't be written.
    """
    content = trace_file.html(trace)
    page = target or Path(tempfile.mkdtemp(prefix="harness-trace-")) / f"{trace.stem}.html"
    page.write_text(content, "utf-8", newline="\n")
    return page.resolve()


def opened(page: Path) -> bool:
    """Open a page in the browser, and return whether there is one."""
    try:
        return webbrowser.open(page.as_uri())
    except webbrowser.Error:
        return False
