"""The only module that starts child processes. Each gets its own session, so that no part of it survives."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

import psutil

from harness.errors import CommandError, MissingToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

INTERRUPT_GRACE = 60.0
STOP_GRACE = 10.0
LOOK_EVERY = 0.5
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM)
_TICKS_FIELD = 19  # behind the name of the program: `starttime` in proc_pid_stat(5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """The result of a finished child: its exit code and its output."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """Both streams, standard output first."""
        return self.stdout + self.stderr


def find(tool: str, *, path: str | None, remedy: str) -> str:
    """Return the full path of `tool`, looked up in `path` (the PATH variable's form).

    Raises:
        MissingToolError: The program is not on PATH. The error carries `remedy`.
    """
    found = shutil.which(tool, path=path)
    if found is None:
        raise MissingToolError(tool, remedy=remedy)
    return found


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    timeout: float,
    cwd: Path | None = None,
    on_line: Callable[[str], None] | None = None,
    accept: frozenset[int] = frozenset({0}),
    stop_if: Callable[[], str] = str,
    grace: float = INTERRUPT_GRACE,
) -> Completed:
    """Run `argv` to its end and return the output.

    An interrupt is passed on as SIGINT, so that the child can wind down. After that, or at a second
    interrupt, its session is killed.

    Args:
        argv: The command.
        env: Its whole environment.
        timeout: Seconds it may take.
        cwd: Its working directory.
        on_line: Called with every line of both streams, without the line end. If it raises, it is not called
            again for that stream, and the error is raised when the child has ended.
        accept: The exit codes that count as success.
        stop_if: Called now and then. Returns the reason to kill the child, or an empty text.
        grace: Seconds that the child may take to wind down after an interrupt.

    Raises:
        CommandError: The child failed or ran out of time.
    """
    with _started(argv, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        with _pumped(child, on_line) as pumped:
            stopped = _wait(child, timeout, stop_if, grace)
        stdout, stderr = ("".join(pump.lines) for pump in pumped)
    done = Completed(returncode=child.returncode, stdout=stdout, stderr=stderr)
    failure = _failure(argv, done, stopped, accept)
    for pump in pumped:
        if pump.problem is not None:
            raise pump.problem from failure
    if failure is not None:
        raise failure
    return done


@contextmanager
def serving(
    argv: Sequence[str], *, env: Mapping[str, str], log: Path, cwd: Path | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run `argv` in the background with its output in `log`, and stop its whole session at the end."""
    with (
        log.open("a", encoding="utf-8") as sink,
        _started(argv, env=env, cwd=cwd, stdout=sink, stderr=subprocess.STDOUT) as child,
    ):
        yield child


@contextmanager
def answering(argv: Sequence[str], *, env: Mapping[str, str]) -> Iterator[Callable[[str], str]]:
    """Run `argv` in the background, and yield a function that sends it a line and returns its answer.

    The answer is empty once it has ended. Its whole session is stopped at the end.
    """
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    with _started(argv, env=env, cwd=None, stdin=pipe, stdout=pipe, stderr=nothing) as child:
        assert child.stdin is not None and child.stdout is not None  # noqa: S101, PT018 - they are pipes
        questions, answers = child.stdin, child.stdout

        def ask(question: str) -> str:
            with suppress(BrokenPipeError):
                questions.write(f"{question}\n")
                questions.flush()
            return answers.readline().rstrip("\n")

        try:
            yield ask
        finally:
            answers.close()
            with suppress(BrokenPipeError):  # of a question that nobody has read
                questions.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Detached:
    """A child that nobody waits for: its process id, its `start_time`, and its standard input."""

    pid: int
    started: float
    stdin: IO[bytes]


def spawn_detached(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    log: Path,
    cwd: Path | None = None,
    lent: Sequence[int] = (),
) -> Detached:
    """Start `argv` with its output in `log`. It continues after this process ends.

    Args:
        argv: The command.
        env: Its whole environment.
        log: The file that its output is appended to.
        cwd: Its working directory.
        lent: File descriptors to keep open in the child.
    """
    with log.open("ab") as sink, interrupts_deferred():
        child = subprocess.Popen(  # noqa: S603 - the argv is ours, and no shell reads it
            argv,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=sink,
            stderr=subprocess.STDOUT,
            pass_fds=lent,
            start_new_session=True,
        )
        child.returncode = 0  # otherwise its `Popen` warns that it still runs
        assert child.stdin is not None  # noqa: S101 - it is a pipe
        started = start_time(child.pid)
    return Detached(pid=child.pid, started=started, stdin=child.stdin)


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Turn SIGTERM into KeyboardInterrupt, so that `with` blocks release their resources."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _started(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None,
    stdout: int | IO[str],
    stderr: int,
    stdin: int = subprocess.DEVNULL,
) -> Iterator[subprocess.Popen[str]]:
    with ExitStack() as ending:
        with interrupts_deferred():
            child = subprocess.Popen(  # noqa: S603 - the argv is ours, and no shell reads it
                argv,
                cwd=cwd,
                env=dict(env),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
            ending.callback(_end, child)
        yield child


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Let a signal that comes in the context be handled at its end: no child is started and then lost."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals interrupt the main thread only
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda sent, _: came.append(sent)) for number in _INTERRUPTS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for first in came[:1]:
            signal.raise_signal(first)


@dataclass(slots=True, kw_only=True)
class _Pump:
    """Reads one stream of a child to its end, even if `on_line` fails.

    A full pipe would block the child.
    """

    on_line: Callable[[str], None] | None
    lines: list[str] = field(default_factory=list)
    problem: Exception | None = None

    def drain(self, pipe: IO[str]) -> None:
        with pipe:
            for line in pipe:
                self.lines.append(line)
                self._tell(line.rstrip("\n"))

    def _tell(self, line: str) -> None:
        if self.on_line is None or self.problem is not None:
            return
        try:
            self.on_line(line)
        except Exception as problem:  # noqa: BLE001 - it is raised in the thread that waits
            self.problem = problem


@contextmanager
def _pumped(
    child: subprocess.Popen[str], on_line: Callable[[str], None] | None
) -> Iterator[tuple[_Pump, _Pump]]:
    pumps = (_Pump(on_line=on_line), _Pump(on_line=on_line))
    pipes = (child.stdout, child.stderr)
    threads = [
        threading.Thread(target=pump.drain, args=(pipe,), daemon=True)
        for pump, pipe in zip(pumps, pipes, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        yield pumps
    finally:
        for thread in threads:
            thread.join(STOP_GRACE)


def _wait(child: subprocess.Popen[str], timeout: float, stop_if: Callable[[], str], grace: float) -> str:
    """Wait for the end of `child`. Returns the reason if it was stopped, else an empty text."""
    deadline = time.monotonic() + timeout
    try:
        while (left := deadline - time.monotonic()) > 0:
            with suppress(subprocess.TimeoutExpired):
                child.wait(min(left, LOOK_EVERY))
                return ""
            if reason := stop_if():
                kill_session(child.pid)
                child.wait()
                return f"was stopped: {reason}"
        _end(child)
    except KeyboardInterrupt:
        _wind_down(child, grace)
        raise
    return f"did not end within {timeout:g} s and was stopped"


def _wind_down(child: subprocess.Popen[str], grace: float) -> None:
    """Let an interrupted child wind down. A second interrupt ends it at once."""
    child.send_signal(signal.SIGINT)
    try:
        with suppress(subprocess.TimeoutExpired):
            child.wait(grace)
    except KeyboardInterrupt:
        kill_session(child.pid)
    _end(child)


def _end(child: subprocess.Popen[str]) -> None:
    """Stop `child` politely, then kill the rest of its session."""
    try:
        if child.poll() is None:
            child.terminate()
            child.wait(STOP_GRACE)
    except subprocess.TimeoutExpired:
        pass
    finally:
        kill_session(child.pid)
        child.kill()  # a loaded machine may not have listed it in time
        child.wait()


def kill_session(session: int) -> None:
    """Kill every process of the session whose leader has, or had, the process id `session`."""
    deadline = time.monotonic() + STOP_GRACE
    while (members := session_members(session)) and time.monotonic() < deadline:
        for member in members:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(members, timeout=1)


def start_time(pid: int) -> float:
    """Return when a process started, in seconds that stay the same if somebody sets the clock.

    Together with the process id, they name the process. On Linux, `psutil.Process.create_time` moves with the
    clock, which is set on a virtual machine that was paused, for one.

    Raises:
        psutil.NoSuchProcess: There is no such process.
    """
    if not psutil.LINUX:
        return psutil.Process(pid).create_time()
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        raise psutil.NoSuchProcess(pid) from None
    return int(stat.rpartition(b")")[2].split()[_TICKS_FIELD]) / os.sysconf("SC_CLK_TCK")


def session_members(session: int) -> list[psutil.Process]:
    """Return the live processes of a session."""
    return [process for process in psutil.process_iter() if _session_of(process) == session]


def kill_those_in(folder: Path) -> None:
    """Kill every process that works in `folder`, because children of a killed program survive its session."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if Path(process.cwd()).is_relative_to(folder):
                process.kill()


def _session_of(process: psutil.Process) -> int | None:
    with suppress(psutil.Error, OSError):
        session = os.getsid(process.pid)
        return session if process.status() != psutil.STATUS_ZOMBIE else None
    return None


def _failure(
    argv: Sequence[str], done: Completed, stopped: str, accept: frozenset[int]
) -> CommandError | None:
    if stopped:
        return CommandError(argv, reason=stopped, returncode=None, output=done.output)
    if done.returncode not in accept:
        reason = _reason(done.returncode)
        return CommandError(argv, reason=reason, returncode=done.returncode, output=done.output)
    return None


def _reason(returncode: int) -> str:
    if returncode < 0:
        return f"was killed by {signal.Signals(-returncode).name} after it printed:"
    return f"failed with exit code {returncode}; it printed:"
