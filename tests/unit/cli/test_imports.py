"""Modules that a quick command must not import. It has to answer within a second, mostly spent on imports."""

from __future__ import annotations

import subprocess
import sys

SLOW = (
    "asyncio",
    "boto3",
    "coverage",
    "harness.stack.assertions",
    "harness.coverage.judge",
    "harness.stack.faults",
    "harness.permissions",
    "hcl2",
    "jinja2",
    "multiprocessing",
    "pdb",
    "pydantic",
    "pytest",
    "rich",
    "watchfiles",
    "xml.etree",
)


def test_the_command_line_begins_without_what_is_slow_to_import() -> None:
    program = f"import sys; import harness.cli.main; print(*(name for name in {SLOW} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_a_quick_command_looks_for_no_garbage() -> None:
    program = (
        "import atexit, gc, sys; from harness.cli import run; sys.argv = ['harness', '--version']; "
        "began = []; gc.callbacks.append(lambda phase, _: began.append(phase)); "
        "atexit.register(lambda: print(began, gc.get_freeze_count() > 0)); run()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[] True"
