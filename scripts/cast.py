"""A recording of a terminal, in the format of asciinema (version 2): written from real commands, and read."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import struct
import subprocess
import termios
import time
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PROMPT = "$ "
_TYPED, _RESET = "\x1b[1m", "\x1b[0m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """A recording of a terminal.

    Attributes:
        width: Its columns.
        height: Its rows.
        idle: The longest pause that a player shows, in seconds. It shortens longer ones.
        lines: Each line that ended, with the seconds after which it did.
    """

    width: int = 100
    height: int = 28
    idle: float = 0.8
    lines: tuple[tuple[float, str], ...] = field(default=(), repr=False)

    @classmethod
    def read(cls, file: Path) -> Cast:
        """Return the recording in a file that `write` has written."""
        header, *events = map(json.loads, file.read_text("utf-8").splitlines())
        return cls(
            width=header["width"],
            height=header["height"],
            idle=header["idle_time_limit"],
            lines=tuple((at, text.removesuffix("\r\n")) for at, _, text in events),
        )

    def write(self, file: Path) -> None:
        """Write the recording to a file, which any player of asciinema plays."""
        header = {"version": 2, "width": self.width, "height": self.height, "idle_time_limit": self.idle}
        events = [[round(at, 2), "o", f"{text}\r\n"] for at, text in self.lines]
        lines = [json.dumps(each, ensure_ascii=False) for each in (header, *events)]
        file.write_text("\n".join(lines) + "\n", "utf-8")

    @property
    def commands(self) -> list[str]:
        """The commands that were typed."""
        start = _TYPED + PROMPT
        return [
            text.removeprefix(start).removesuffix(_RESET) for _, text in self.lines if text.startswith(start)
        ]


def recorded(commands: Iterable[str], folder: Path, environ: Mapping[str, str]) -> Cast:
    """Return a recording of commands that run in a folder, one after the other.

    The folder is shown as one of the same name in the home directory.
    """
    cast, lines, begun = Cast(), list[tuple[float, str]](), time.monotonic()
    shown = ((str(folder), f"~/{folder.name}"), (str(Path.home()), "~"))
    for command in commands:
        lines.append((time.monotonic() - begun, f"{_TYPED}{PROMPT}{command}{_RESET}"))
        for line in _output(shlex.split(command), folder, environ, (cast.height, cast.width)):
            lines.append((time.monotonic() - begun, reduce(_shortened, shown, line)))
        lines.append((time.monotonic() - begun, ""))
    return Cast(lines=tuple(lines))


def _shortened(line: str, path: tuple[str, str]) -> str:
    return line.replace(*path)


def _output(
    argv: list[str], folder: Path, environ: Mapping[str, str], size: tuple[int, int]
) -> Iterator[str]:
    """Yield each line that a command writes to a terminal, as soon as it ends."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    with subprocess.Popen(  # noqa: S603 - commands of this script
        argv, cwd=folder, env=environ, stdin=theirs, stdout=theirs, stderr=theirs
    ):
        os.close(theirs)
        text = b""
        while chunk := _read(ours):
            *ended, text = (text + chunk).split(b"\r\n")
            yield from (line.decode() for line in ended)
    os.close(ours)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux: nobody has the terminal open any more
        return b""
