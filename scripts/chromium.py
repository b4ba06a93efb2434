"""Finds a Chromium: the pictures are taken with it, and the report is tested in it."""

from __future__ import annotations

import shutil

_NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def program() -> str:
    """Return the path of a Chromium.

    Raises:
        FileNotFoundError: Chromium is not installed.
    """
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        raise FileNotFoundError(
            f"expected {' or '.join(_NAMES)} on PATH, found none; install it with `apt-get install chromium`"
        )
    return found
