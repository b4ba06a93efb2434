"""A process group that can't outlive its parent.

The child leads its own process group in its parent's session. Its standard input is a lifeline: a pipe whose
only write end belongs to the parent. So the child ends with the parent, however that ends. Standard output
and error are one pipe to the parent.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path

REAP_SECONDS = 5.0
PROCESSES = Path("/proc")
KIB_PER_MIB = 1024


class ExitedError(Exception):
    """The child ended while something waited for it.

    Attributes:
        code: exit status, or a negative signal number.
    """

    def __init__(self, code: int) -> None:
        super().__init__(describe_exit(code))
        self.code = code


class Child:
    """A running child. `output` is its non-blocking output, and returns None if there is nothing to read.

    Args:
        argv: program and arguments.
        environment: the child's whole environment.
        directory: its working directory.
        on_exit: called once from another thread with the exit status, after the rest of the group was killed.
        mark: `NAME=value` in its environment by which its descendants are found.

    Raises:
        OSError: it can't be started.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        on_exit: Callable[[int], None],
        mark: str,
    ) -> None:
        lifeline, own_lifeline = os.pipe()
        own_output, output = os.pipe()
        os.set_blocking(own_output, False)
        self._lifeline = FileIO(own_lifeline, "w")
        self.output = FileIO(own_output)
        try:
            self._process = subprocess.Popen(  # noqa: S603
                argv,
                cwd=directory,
                env=environment,
                stdin=lifeline,
                stdout=output,
                stderr=output,
                process_group=0,
            )
        except OSError:
            self._close_own_ends()
            raise
        finally:
            os.close(lifeline)
            os.close(output)
        self._mark = mark
        self._on_exit = on_exit
        self._watcher = threading.Thread(target=self._watch, name=f"child-{self.pid}", daemon=True)
        self._watcher.start()

    @property
    def pid(self) -> int:
        """Its process id, which is that of its group too."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it was not seen to end yet."""
        return self._process.returncode is None

    def peak_memory(self) -> int:
        """Return its peak memory in MiB, or 0 if unknown."""
        return peak_memory(self.pid) if self.is_alive else 0

    def kill(self) -> None:
        """Kill it with all of its descendants, and wait until it has ended."""
        self._kill_group()
        self._watcher.join(REAP_SECONDS)

    def close(self) -> None:
        """Kill it, and close the pipes."""
        self.kill()
        self._close_own_ends()

    def _close_own_ends(self) -> None:
        self._lifeline.close()
        self.output.close()

    def _watch(self) -> None:
        code = self._process.wait()
        self._kill_group()
        self._on_exit(code)

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        for pid in marked_processes(self._mark):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def marked_processes(mark: str) -> list[int]:
    """Return processes that have `mark` in their environment, those in other groups and sessions included.

    Empty on systems without /proc.
    """
    return [int(path.parent.name) for path in PROCESSES.glob("[0-9]*/environ") if _has_mark(path, mark)]


def _has_mark(path: Path, mark: str) -> bool:
    try:
        return mark.encode() in path.read_bytes().split(b"\0")
    except OSError:
        return False


def peak_memory(pid: int) -> int:
    """Return the peak memory of a process in MiB, or 0 if unknown."""
    return _peak_from_proc(pid) if PROCESSES.is_dir() else _now_from_ps(pid)


def _peak_from_proc(pid: int) -> int:
    try:
        lines = (PROCESSES / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0
    return next((_mebibytes(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _now_from_ps(pid: int) -> int:
    argv = ["/bin/ps", "-o", "rss=", "-p", str(pid)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603
    return _mebibytes(done.stdout.strip() or "0")


def _mebibytes(kibibytes: str) -> int:
    return -(-int(kibibytes) // KIB_PER_MIB)


def describe_exit(code: int) -> str:
    """Describe the end of a runtime in Lambda's words."""
    if code == 0:
        return "Runtime exited without providing a reason"
    if code > 0:
        return f"Runtime exited with error: exit status {code}"
    name = (signal.strsignal(-code) or str(-code)).partition(":")[0].lower()
    return f"Runtime exited with error: signal: {name}"
