"""Make the pictures of the documentation from the real program: `nox -s pictures`.

It records a passing run and a failing one in the tutorial's project, on MiniStack, and the inner loop: a
function that is broken and mended while its stack is up. It draws the recordings, and Chromium takes pictures
of the second run's report. `--draw` only draws the recordings again.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from scripts import chromium
from scripts.cast import Cast, recorded
from scripts.drawing import drawn
from tests.docs.reader import written

if TYPE_CHECKING:
    from playwright.sync_api import ViewportSize

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
RUN = (
    "pytest -q --backend=ministack",
    "sed -i s/s3:PutObject/s3:GetObject/ terraform/main.tf",
    "pytest -q --backend=ministack --harness-report=artifacts/report.html",
)
_SOURCE = "src/greeter/__init__.py"
LOOP = (
    "harness watch --hot &",
    f"""sed -i 's/"detail"/"details"/' {_SOURCE}""",
    "harness fire",
    f"""sed -i 's/"details"/"detail"/' {_SOURCE}""",
    "harness invoke --last-failed",
    "harness logs",
)
RECORDINGS = {"run": RUN, "loop": LOOP}
_READY = "until Ctrl-C"  # what `harness watch --hot` prints last
_SIZE: ViewportSize = {"width": 1200, "height": 800}


def main(arguments: list[str] | None = None) -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--draw", action="store_true", help="only draw the recording again")
    PICTURES.mkdir(exist_ok=True)
    if not parser.parse_args(arguments).draw:
        with tempfile.TemporaryDirectory() as folder:
            project = written(Path(folder) / "greeter")
            recorded(RUN, project, _environ()).write(cast_of("run"))
            photograph(project / "artifacts" / "report.html")
        with tempfile.TemporaryDirectory() as folder:
            record_loop(written(Path(folder) / "greeter"))
    for name in RECORDINGS:
        drawing_of(name).write_text(drawn(Cast.read(cast_of(name))), "utf-8")


def cast_of(name: str) -> Path:
    """Return the file of a recording."""
    return PICTURES / f"{name}.cast"


def drawing_of(name: str) -> Path:
    """Return the drawing of a recording."""
    return PICTURES / f"{name}.svg"


def record_loop(project: Path) -> None:
    """Record the inner loop in a project."""
    # TTY_COMPATIBLE: Rich prints lines in place of a bar that moves.
    environ = {**_environ(), "HARNESS_BACKEND": "ministack", "TTY_COMPATIBLE": "0"}
    try:
        recorded(LOOP, project, environ, ready=_READY).write(cast_of("loop"))
    finally:
        subprocess.run(["harness", "down"], cwd=project, env=environ, check=True)  # noqa: S607 - our own


def photograph(report: Path) -> None:
    """Take pictures of the first screen of a report, as readers of light and of dark pages see it."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - drawing does without

    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.program(), args=[*chromium.QUIET])
        for scheme in schemes:
            page = browser.new_page(viewport=_SIZE, color_scheme=scheme)
            page.goto(report.as_uri())
            page.screenshot(path=PICTURES / f"report-{scheme}.png")
        browser.close()


def _environ() -> dict[str, str]:
    """Return the environment of a reader who has installed the harness beside this Python."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "TERM": "xterm-256color"}


if __name__ == "__main__":
    main()
