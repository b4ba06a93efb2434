"""The toolchains on which Lambda functions run without Docker, one for each of Lambda's runtimes."""

from harness.functions.runtimes.server import served
from harness.functions.runtimes.toolchains import (
    PYTHON_REQUIREMENTS,
    Toolchain,
    lacks,
    prepare,
    stand_ins_for,
)

__all__ = ["PYTHON_REQUIREMENTS", "Toolchain", "lacks", "prepare", "served", "stand_ins_for"]
