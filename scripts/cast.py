"""A recording of a terminal, in the format of asciinema (version 2): written from real commands, and read."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shlex
import struct
import subprocess
import termios
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PROMPT = "$ "
_TYPED, _RESET = "\x1b[1m", "\x1b[0m"
_LOOK_EVERY = 0.05  # seconds


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


def recorded(
    commands: Iterable[str], folder: Path, environ: Mapping[str, str], *, ready: str = "", most: float = 300.0
) -> Cast:
    """Return a recording of commands that run in a folder, one after the other, in one terminal.

    The folder is shown as one of the same name in the home directory.

    Args:
        commands: What is typed. A command that ends in `&` runs until the last one has ended.
        folder: Where they run.
        environ: Their environment.
        ready: The next command is typed once one that ends in `&` has written a line with this text.
        most: Seconds that a command may take.
    """
    cast, lines = Cast(), list[tuple[float, str]]()
    shown = ((str(folder), f"~/{folder.name}"), (str(Path.home()), "~"))
    begun = time.monotonic()

    def note(line: str) -> None:
        lines.append((time.monotonic() - begun, reduce(_shortened, shown, line)))

    with _Terminal.of_size(cast.height, cast.width) as terminal, ExitStack() as background:
        for command in commands:
            note(f"{_TYPED}{PROMPT}{command}{_RESET}")
            typed = command.removesuffix(" &")
            program = terminal.run(shlex.split(typed), folder, environ)
            if typed != command:
                background.callback(program.wait)
                background.callback(program.terminate)
            for line in terminal.lines(program, most):
                note(line)
                if typed != command and ready in line:
                    break
            note("")
    return Cast(lines=tuple(lines))


def _shortened(line: str, path: tuple[str, str]) -> str:
    return line.replace(*path)


@dataclass(slots=True)
class _Terminal:
    """A terminal in which programs run.

    Attributes:
        ours: The end that reads what they write.
        theirs: The end that they have.
    """

    ours: int
    theirs: int
    _begun: bytes = b""  # a line that has not ended

    @classmethod
    @contextmanager
    def of_size(cls, rows: int, columns: int) -> Iterator[_Terminal]:
        """Open one while the context is open."""
        ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        try:
            yield cls(ours, theirs)
        finally:
            os.close(ours)
            os.close(theirs)

    def run(self, argv: list[str], folder: Path, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start a program."""
        return subprocess.Popen(  # noqa: S603 - commands of this script
            argv, cwd=folder, env=environ, stdin=self.theirs, stdout=self.theirs, stderr=self.theirs
        )

    def lines(self, program: subprocess.Popen[bytes], most: float) -> Iterator[str]:
        """Yield each line as soon as it ends, until a program has ended and nothing is left to read.

        Raises:
            TimeoutError: It takes more than so many seconds.
        """
        deadline = time.monotonic() + most
        while True:
            has_ended = program.poll() is not None
            if select.select([self.ours], [], [], _LOOK_EVERY)[0]:
                *ended, self._begun = (self._begun + os.read(self.ours, 1 << 16)).split(b"\r\n")
                yield from (line.decode() for line in ended)
            elif has_ended:
                return
            elif time.monotonic() > deadline:
                program.kill()
                program.wait()
                raise TimeoutError(f"{program.args!r} has not ended after {most:g} s")
