"""`python -m tests.docs.tutorial FOLDER` writes the project that a reader of the tutorial has."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.docs.reader import written

if __name__ == "__main__":
    print(written(Path(sys.argv[1])))  # noqa: T201 - a program
