"""Write the documented workflows into a directory for actionlint."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.docs.snippets import collected


def main(folder: Path) -> None:
    """Write each documented workflow to `folder`, under the name that its title gives it."""
    for snippet in collected():
        if snippet.language == "yaml" and snippet.title.startswith(".github/workflows/"):
            (folder / Path(snippet.title).name).write_text(snippet.code, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
