from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from lambda_process_executor.executables import shell_of, why_not_runnable

if TYPE_CHECKING:
    from pathlib import Path

PROCESSORS = {0x3E: "x86_64", 0xB7: "aarch64"}
HEADER = 64


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return tmp_path / "bootstrap"


def written(program: Path, content: bytes, mode: int = 0o755) -> Path:
    program.write_bytes(content)
    program.chmod(mode)
    return program


def elf(machine: int, loader: str) -> bytes:
    """Return the head of a 64-bit program that asks for a loader."""
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0, HEADER, 0, 0, HEADER, 56, 1, 0, 0, 0)
    name = loader.encode() + b"\0"
    return header + struct.pack("<IIQQQQQQ", 3, 4, HEADER + 56, 0, 0, len(name), len(name), 1) + name


@pytest.mark.parametrize("first", [b"#!/bin/sh", b"#! /usr/bin/sh -e", b"#!/usr/bin/env sh"])
def test_a_script_for_sh_is_run_by_bash_as_on_amazon_linux(program: Path, first: bytes) -> None:
    written(program, first + b"\nset -o pipefail\nfunction say () { echo done; }\nsay\n")

    done = subprocess.run([*shell_of(program), program], capture_output=True, text=True, check=True)

    assert done.stdout == "done\n"


def test_any_other_program_starts_by_itself(program: Path) -> None:
    assert shell_of(written(program, b"#!/bin/bash\n")) == ()
    assert shell_of(written(program, elf(0x3E, "/lib/ld.so"))) == ()


def test_a_script_whose_interpreter_is_there_can_run(program: Path) -> None:
    assert why_not_runnable(written(program, b"#!/bin/sh -e\n")) == ""


@pytest.mark.skipif(sys.platform != "linux", reason="looks at Linux programs")
def test_a_program_of_this_machine_can_run(program: Path) -> None:
    shutil.copy("/bin/true", program)

    assert why_not_runnable(program) == ""


@pytest.mark.parametrize(
    ("content", "mode", "told"),
    [
        (b"#!/bin/sh\n", 0o644, "is not executable; set its execute bits"),
        (b"#!/no/such/interpreter\n", 0o755, "asks for /no/such/interpreter"),
        (b"#!\n", 0o755, "asks for no interpreter"),
        (b"#!/bin/sh\r\n", 0o755, "ends as on Windows"),
        (b"echo hello", 0o755, "neither a Linux program nor a script"),
        (b"", 0o755, "neither a Linux program nor a script"),
    ],
)
def test_what_can_not_run_is_told(program: Path, content: bytes, mode: int, told: str) -> None:
    assert told in why_not_runnable(written(program, content, mode))


@pytest.mark.parametrize("machine", PROCESSORS)
def test_another_processor_s_program_is_told(
    program: Path, monkeypatch: pytest.MonkeyPatch, machine: int
) -> None:
    (other,) = set(PROCESSORS.values()) - {PROCESSORS[machine]}
    monkeypatch.setattr("platform.machine", lambda: {"aarch64": "arm64"}.get(other, other))

    reason = why_not_runnable(written(program, elf(machine, "/bin/sh")))

    assert f"is built for {PROCESSORS[machine]}, and this machine is {other}" in reason


def test_a_missing_loader_is_told(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")

    assert why_not_runnable(written(program, elf(0x3E, "/bin/sh"))) == ""
    assert "needs the loader /lib/ld-none.so" in why_not_runnable(
        written(program, elf(0x3E, "/lib/ld-none.so"))
    )
