"""The platforms that functions run on, and their names in uv and npm."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from typing import Self

_ARCHITECTURES = {"aarch64": "arm64", "amd64": "x86_64"}
# The runtimes from Python 3.12 on have Amazon Linux 2023 with glibc 2.34, those before it Amazon Linux 2 with
# glibc 2.26: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
_FIRST_ON_AL2023 = 12


@dataclass(frozen=True, slots=True)
class Platform:
    """A kind of machine.

    Attributes:
        system: `linux`, or `darwin` for macOS.
        architecture: The processor, as Lambda names it: `x86_64` or `arm64`.
    """

    system: str
    architecture: str

    @classmethod
    def here(cls) -> Self:
        """Return this machine's."""
        machine = platform.machine().lower()
        return cls(sys.platform, _ARCHITECTURES.get(machine, machine))

    def __str__(self) -> str:
        """Return it as a part of a file's name."""
        return f"{self.system}-{self.architecture}"

    def for_uv(self, python: str) -> str:
        """Return uv's name for it, with the C library of Lambda's runtime for this Python."""
        processor = self.architecture.replace("arm64", "aarch64")
        if self.system != "linux":
            return f"{processor}-apple-{self.system}"
        minor = int(python.split(".")[1])
        return f"{processor}-manylinux_{'2_28' if minor >= _FIRST_ON_AL2023 else '2_17'}"

    def for_npm(self) -> list[str]:
        """Return npm's options that choose the optional dependencies for it."""
        options = [f"--os={self.system}", f"--cpu={self.architecture.replace('x86_64', 'x64')}"]
        return [*options, "--libc=glibc"] if self.system == "linux" else options
