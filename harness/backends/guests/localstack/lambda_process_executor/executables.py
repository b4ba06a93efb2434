"""Whether this machine can run a program: its processor, its loader or interpreter, its permission."""

import os
import platform
import re
import shutil
import struct
from pathlib import Path

ELF = b"\x7fELF"
LITTLE_ENDIAN = 1
PROGRAM_INTERPRETER = 3
# https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
MACHINES = {0x03: "i386", 0x28: "arm", 0x3E: "x86_64", 0xB7: "aarch64", 0xF3: "riscv64"}
SAME_AS = {"arm64": "aarch64", "amd64": "x86_64"}
HEAD_BYTES = 4096
FOR_SH = re.compile(rb"#!\s*(?:/usr)?/bin/(?:env\s+)?sh(?:\s+(-\S+))?\s*")


def why_not_runnable(program: Path) -> str:
    """Return the reason why a program can't start on this machine, and the remedy, or an empty text."""
    with program.open("rb") as opened:
        head = opened.read(HEAD_BYTES)
    if not os.access(program, os.X_OK) or not program.stat().st_mode & 0o111:
        return f"its `{program.name}` is not executable; set its execute bits before you zip it (chmod 755)"
    if head.startswith(ELF):
        return _why_not_binary(program.name, head)
    if head.startswith(b"#!"):
        return _why_not_script(program.name, head)
    return f"its `{program.name}` is neither a Linux program nor a script that begins with `#!`"


def shell_of(program: Path) -> tuple[str, ...]:
    """Return the command that starts a script for `sh` as on Lambda, or nothing for any other program.

    `sh` is Bash on Amazon Linux. Many systems have a shell there that knows no `set -o pipefail`.
    """
    with program.open("rb") as opened:
        asked = FOR_SH.fullmatch(opened.readline(HEAD_BYTES))
    bash = shutil.which("bash", path=os.defpath)
    if not asked or not bash:
        return ()
    return bash, "--posix", *([os.fsdecode(asked[1])] if asked[1] else [])


def _why_not_script(name: str, head: bytes) -> str:
    line = head.partition(b"\n")[0].removeprefix(b"#!")
    if line.endswith(b"\r"):
        return f"the first line of its `{name}` ends as on Windows (CR LF); convert it to LF"
    interpreter = os.fsdecode(line.split()[0]) if line.split() else ""
    if os.access(interpreter, os.X_OK):
        return ""
    return f"its `{name}` asks for {interpreter or 'no interpreter'}, which this machine does not have"


def _why_not_binary(name: str, head: bytes) -> str:
    here = SAME_AS.get(platform.machine().lower(), platform.machine().lower())
    order = "<" if head[5] == LITTLE_ENDIAN else ">"
    number = struct.unpack_from(f"{order}H", head, 18)[0]
    built_for = MACHINES.get(number, f"machine {number:#x}")
    if built_for != here:
        return f"its `{name}` is built for {built_for}, and this machine is {here}; build it for {here} here"
    loader = _loader(order, head)
    if not loader or Path(loader).exists():
        return ""
    return f"its `{name}` needs the loader {loader}, which this machine does not have; link it statically"


def _loader(order: str, head: bytes) -> str:
    """Return the dynamic loader of a 64-bit program, or an empty text if it is linked statically."""
    (table,) = struct.unpack_from(f"{order}Q", head, 32)
    size, count = struct.unpack_from(f"{order}HH", head, 54)
    for start in range(table, min(table + size * count, len(head) - size + 1), size):
        kind, _, offset, _, _, length = struct.unpack_from(f"{order}IIQQQQ", head, start)
        if kind == PROGRAM_INTERPRETER:
            return head[offset : offset + length].rstrip(b"\0").decode()
    return ""
