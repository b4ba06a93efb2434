"""Sources that stand in for a part of a function's code while somebody edits them.

The harness keeps them in `LAMBDA_PROCESS_HOT`: for a zip the directory `<its SHA-256>/over`, each entry of
which is seen in the place of the entry of that name in the code, and the file `<its SHA-256>/stamp`, another
one for each change. Without the file the code is that of the zip.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from lambda_process_executor.view import obstacle


@dataclass(frozen=True, slots=True, kw_only=True)
class Hot:
    """The replacement at one moment.

    Attributes:
        stamp: its time. Empty if there is no replacement.
        over: the replacing directories, by name.
    """

    stamp: str = ""
    over: dict[str, str]


NOTHING = Hot(over={})


def prepare() -> None:
    """Create the directory if functions can see it, which shows the harness that they can."""
    folder = os.environ.get("LAMBDA_PROCESS_HOT")
    if folder and not obstacle():
        Path(folder).mkdir(exist_ok=True)


def place(digest: str) -> Path | None:
    """Return the directory for sources that replace a zip, by its SHA-256 in hexadecimal digits."""
    folder = os.environ.get("LAMBDA_PROCESS_HOT")
    return Path(folder) / digest if folder else None


def now(directory: Path | None) -> Hot:
    """Return the present replacement."""
    try:
        stamp = (directory / "stamp").read_text() if directory else ""
        return Hot(stamp=stamp, over=_entries(directory / "over")) if directory and stamp else NOTHING
    except FileNotFoundError:  # removed in the meantime
        return NOTHING


def _entries(over: Path) -> dict[str, str]:
    return {entry.name: os.fspath(entry) for entry in sorted(over.iterdir())}
