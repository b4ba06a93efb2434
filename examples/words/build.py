"""Compiles the function and zips it: `python build.py`."""

import subprocess
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
BOOTSTRAP = HERE / "build" / "bootstrap"


def main() -> None:
    """Write build/words.zip, with a program that needs no library of the machine that it runs on."""
    BOOTSTRAP.parent.mkdir(exist_ok=True)
    source = HERE / "src" / "bootstrap.c"
    subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-static", "-o", BOOTSTRAP, source], check=True)
    with zipfile.ZipFile(BOOTSTRAP.with_name("words.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(BOOTSTRAP, "bootstrap")  # executable, as the compiler has left it


if __name__ == "__main__":
    main()
