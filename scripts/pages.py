"""A page of the documentation, parts of which a script writes between two comments."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


def replace_tables(page: str, tables: Mapping[str, str], *, script: str) -> str:
    """Return the text of a page with fresh tables, each below a comment with its name and the script's."""
    pattern = rf"(?s)(<!-- (\w+): written by scripts/{script}.py -->\n\n).*?(\n<!-- end of the table -->)"
    return re.sub(pattern, lambda found: f"{found[1]}{tables[found[2]]}{found[3]}", page)


def update(
    page: Path,
    updated: Callable[[str], str],
    arguments: Sequence[str] | None,
    *,
    script: str,
    description: str | None,
) -> int:
    """Update or check a page as the command line of a script asks for, and return the exit code."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a table is out of date")
    options = parser.parse_args(arguments)
    text = page.read_text("utf-8")
    fresh = updated(text)
    if options.check and fresh != text:
        sys.stderr.write(f"{page.name} is out of date: run python -m scripts.{script}\n")
        return 1
    page.write_text(fresh, "utf-8")
    return 0
