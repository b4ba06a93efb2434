"""Hold a backend or a whole stack in another process, which can outlive its starter or serve several.

`start` runs `main` in another process. That process enters the context and writes its content to a file. It
leaves the context when it is asked to stop, or when the emulator ends. If it is bound to its starter, it also
leaves when the starter is gone.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import pkgutil
import signal
import sys
import threading
import time
import traceback
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psutil

from harness.base import process
from harness.base.polling import eventually
from harness.base.telemetry import progress, timeline
from harness.errors import HarnessError, tail
from harness.values import Endpoint, Outputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

    from harness.settings import Settings

log = logging.getLogger(__name__)

READY_TIMEOUT = 3600.0  # its parts have their own time limits; this one only ends a wait after a bug
STOP_TIMEOUT = 900.0
_LOOK_EVERY = 0.2
_MESSAGES = "messages.jsonl"
_OWNER = "keeper.json"
_LOG = "keeper.log"
# The pipes that bound keepers watch, by process id. They close whenever and however this process ends.
_BOUND: dict[int, int] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A keeper's backend or stack, in a form for other processes.

    Attributes:
        endpoint: The endpoint of the backend.
        root: The applied copy of the Terraform root. None for a backend alone.
        outputs: The root's outputs.
    """

    endpoint: Endpoint
    root: Path | None = None
    outputs: Outputs = field(default_factory=lambda: Outputs({}))

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        endpoint = asdict(replace(self.endpoint, ended=str)) | {"log": _text(self.endpoint.log)}
        del endpoint["ended"]
        return {"endpoint": endpoint, "root": _text(self.root), "outputs": dict(self.outputs.untraced)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any], *, ended: Callable[[], str]) -> Self:
        """Create one from the result of `to_json`. `ended` returns why the keeper ended."""
        given = dict(plain["endpoint"])
        endpoint = Endpoint(**given | {"log": _path(given["log"]), "ended": ended})
        return cls(endpoint=endpoint, root=_path(plain["root"]), outputs=Outputs(plain["outputs"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """A keeper's process, seen from outside.

    Attributes:
        folder: The directory in which it writes its state.
        pid: Its process id.
        started: Its `process.start_time`: a process id may be used again.
    """

    folder: Path
    pid: int
    started: float

    def ended(self) -> str:
        """Return a clause on how it ended, or an empty text while it runs."""
        if _process(self.pid, self.started):
            return ""
        errors = [line["error"] for line in _lines(self.folder / _MESSAGES) if "error" in line]
        return errors[-1] if errors else "the process that held it ended"

    def ready(self) -> Holding:
        """Wait until it has entered its context, relay its progress, and return the content.

        Raises:
            HarnessError: The context could not be entered. The message is that of the context's error.
        """
        relay = _Relay(self.folder / _MESSAGES)
        eventually(
            lambda: relay.tell() or self.ended(),
            what="the keeper's backend or stack",
            timeout=READY_TIMEOUT,
            interval=_LOOK_EVERY,
        )
        return self.held()

    def held(self) -> Holding:
        """Return its content.

        Raises:
            HarnessError: It failed to start, has ended, or is not ready yet.
        """
        for line in _lines(self.folder / _MESSAGES):
            if "held" in line:
                return Holding.from_json(line["held"], ended=self.ended)
            if "error" in line:
                raise HarnessError(line["error"])
        how, log_file = self.ended() or "it is still starting", self.folder / _LOG
        printed = log_file.read_text("utf-8", "replace").splitlines() if log_file.exists() else []
        raise HarnessError(f"the process {self.pid} holds nothing: {how}\n{tail(printed)}".rstrip())

    def stop(self, *, timeout: float = STOP_TIMEOUT) -> None:
        """Make it leave its context, and wait for its end. Does nothing if it has already ended.

        Raises:
            HarnessError: It failed to clean up. The message says why.
            NotReachedError: It did not end within `timeout` seconds.
        """
        running = _process(self.pid, self.started)
        if running is None:
            return
        relay = _Relay(self.folder / _MESSAGES, skip=len(_lines(self.folder / _MESSAGES)))
        running.terminate()

        def ended() -> str:
            relay.tell()
            return self.ended()

        eventually(ended, what=f"the end of process {self.pid}", timeout=timeout, interval=_LOOK_EVERY)
        if self.pid in _BOUND:
            os.close(_BOUND.pop(self.pid))
        if relay.tell() and relay.error:
            raise HarnessError(relay.error)


def import_path() -> tuple[str, ...]:
    """Return the folders that modules are looked for in, in a form that holds in another directory too."""
    return tuple(entry or str(Path.cwd()) for entry in sys.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The work of a keeper.

    Attributes:
        context: The importable name of a function that takes the settings and, if there is one, the endpoint.
            It returns a context manager of a `Holding`.
        settings: The settings of the run.
        endpoint: The endpoint for the stack. None if the context starts one itself. Its `ended` must be
            picklable.
        bound: Whether the keeper ends with the process that started it.
        path: The module search path, for example for the project's own backend. By default that of this
            process.
    """

    context: str
    settings: Settings
    endpoint: Endpoint | None = None
    bound: bool = True
    path: tuple[str, ...] = field(default_factory=import_path)


def start(task: Task, folder: Path, *, above: Keeper | None = None) -> Keeper:
    """Start a keeper of `task` that writes its state to `folder`. Wait for it with `ready`.

    Args:
        task: The work.
        folder: The directory for its state.
        above: The bound keeper that this one depends on. If the starter is killed, that one waits for this
            one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MESSAGES).unlink(missing_ok=True)
    # -P: modules in the working directory must not shadow Python's own.
    argv = [sys.executable, "-P", "-c", "from harness.lifetimes import keeper; keeper.main()", str(folder)]
    lent = [_BOUND[above.pid]] if above and above.pid in _BOUND else []
    # The keeper imports from the same path, because a backend may be part of the project.
    env = {**task.settings.environ, "PYTHONPATH": os.pathsep.join(task.path)}
    child = process.spawn_detached(argv, env=env, log=folder / _LOG, cwd=task.settings.project, lent=lent)
    if task.bound:
        _BOUND[child.pid] = os.dup(child.stdin.fileno())
    with child.stdin as pipe:
        pipe.write(pickle.dumps(task))
    return Keeper(folder=folder, pid=child.pid, started=child.started)


def find(folder: Path) -> Keeper | None:
    """Return the keeper that runs on `folder`, or None if there is none."""
    try:
        owner = json.loads((folder / _OWNER).read_text("utf-8"))
        keeper = Keeper(folder=folder, pid=owner["pid"], started=owner["started"])
    except (FileNotFoundError, json.JSONDecodeError, KeyError):
        return None
    return None if keeper.ended() else keeper


class _Relay:
    """Relays a keeper's messages: its progress to the log, its spans to the timeline."""

    def __init__(self, file: Path, skip: int = 0) -> None:
        self._file = file
        self._seen = skip
        self._is_over = False
        self.error = ""

    def tell(self) -> bool:
        """Relay new messages, and return whether the keeper is ready or has failed."""
        fresh = _lines(self._file)[self._seen :]
        self._seen += len(fresh)
        for line in fresh:
            if "progress" in line:
                log.info("%s", line["progress"])
            if "span" in line:
                timeline.ENDED.send(timeline.Span(**line["span"]))
            self.error = line.get("error", self.error)
            self._is_over |= "held" in line or "error" in line
        return self._is_over


def _process(pid: int, started: float) -> psutil.Process | None:
    try:
        running = psutil.Process(pid)
        same = process.start_time(pid) == started and running.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return running if same else None


def _lines(file: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a file of JSON lines."""
    if not file.exists():
        return []
    return [
        json.loads(line) for line in file.read_text("utf-8").splitlines(keepends=True) if line.endswith("\n")
    ]


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


# From here on: the keeper's own process.


def main() -> None:
    """Hold the backend or stack described on standard input until it is time to end."""
    folder, me = Path(sys.argv[1]), os.getpid()
    owner = {"pid": me, "started": process.start_time(me)}
    (folder / _OWNER).write_text(json.dumps(owner), "utf-8")
    # A Ctrl-C is for the starter, which decides when to stop. Ignoring the signal instead would be inherited
    # by every child.
    signal.signal(signal.SIGINT, _do_nothing)
    task: Task = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own starter wrote it
    with (folder / _MESSAGES).open("a", encoding="utf-8", buffering=1) as messages, _telling(messages.write):
        try:
            with _interrupted_once(bound=task.bound):
                _hold(task, messages.write)
        except (Exception, KeyboardInterrupt) as problem:  # noqa: BLE001 - the starter is to know it
            if text := _in_words(problem):
                messages.write(json.dumps({"error": text}) + "\n")
        finally:
            (folder / _OWNER).unlink(missing_ok=True)


@contextmanager
def _telling(write: Callable[[str], object]) -> Iterator[None]:
    def progressed(line: str) -> None:
        write(json.dumps({"progress": line}) + "\n")

    def ended(span: timeline.Span) -> None:
        write(json.dumps({"span": asdict(span)}) + "\n")

    with progress.shown(progressed, timed=False), timeline.ENDED.heard_by(ended):
        yield


@contextmanager
def _interrupted_once(*, bound: bool) -> Iterator[None]:
    """Raise KeyboardInterrupt at the first SIGTERM or at the starter's end, but not during cleanup."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, _do_nothing)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    if bound:
        threading.Thread(target=_end_with_starter, args=(threading.get_ident(),), daemon=True).start()
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, _do_nothing)


def _do_nothing(_signal: int, _frame: FrameType | None) -> None:
    pass


def _end_with_starter(thread: int) -> None:
    if not os.read(sys.stdin.fileno(), 1):
        signal.pthread_kill(thread, signal.SIGTERM)


def _in_words(problem: BaseException) -> str:
    """Format `problem` for the starter.

    If it is an interrupt, the error of the cleanup counts.
    """
    if isinstance(problem, KeyboardInterrupt):
        return "\n".join(getattr(problem, "__notes__", []))
    if isinstance(problem, HarnessError):
        return problem.text
    return "".join(traceback.format_exception(problem)).rstrip()


def _hold(task: Task, write: Callable[[str], object]) -> None:
    """Enter the context, and leave it when it is time to.

    Raises:
        HarnessError: The context can't be entered or left, or the emulator has ended.
    """
    context = pkgutil.resolve_name(task.context)
    given = () if task.endpoint is None else (task.endpoint,)
    with ExitStack() as resources:
        held: Holding = resources.enter_context(context(task.settings, *given))
        write(json.dumps({"held": held.to_json()}) + "\n")
        with suppress(KeyboardInterrupt):
            while not (how := held.endpoint.ended()):
                time.sleep(_LOOK_EVERY)
            raise HarnessError(how)
