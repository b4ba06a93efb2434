"""Hold a backend, or a whole stack, in a process of its own: it can outlive its starter, or serve several.

`start` runs `main` in another process. That enters the context, tells in a file what it holds, and leaves the
context when it is told to stop, when the emulator ends, or, if it is bound to its starter, when that is gone.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import pkgutil
import select
import signal
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

import psutil

from harness import process, progress, timeline
from harness.errors import HarnessError
from harness.polling import eventually
from harness.types import Endpoint, Outputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.settings import Settings

log = logging.getLogger(__name__)

READY_TIMEOUT = 3600.0  # what it starts has time limits of its own; this one only ends a wait for a bug
STOP_TIMEOUT = 900.0
_LOOK_EVERY = 0.2
_TOLD = "told.jsonl"
_OWNER = "keeper.json"
# The pipes that bound keepers watch: they close when this process ends, however it ends.
_BOUND: list[IO[bytes]] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a keeper holds, in a form that another process can read.

    Attributes:
        endpoint: Where AWS answers.
        root: The applied copy of the Terraform root; None where only a backend is held.
        outputs: The root's outputs.
    """

    endpoint: Endpoint
    root: Path | None = None
    outputs: Outputs = field(default_factory=lambda: Outputs({}))

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        endpoint = asdict(replace(self.endpoint, ended=str)) | {"log": _text(self.endpoint.log)}
        del endpoint["ended"]
        return {"endpoint": endpoint, "root": _text(self.root), "outputs": dict(self.outputs.values)}

    @classmethod
    def from_json(cls, told: Mapping[str, Any], *, ended: Callable[[], str]) -> Self:
        """Return what `to_json` has made plain; `ended` tells whether the keeper has ended."""
        given = dict(told["endpoint"])
        endpoint = Endpoint(**given | {"log": _path(given["log"]), "ended": ended})
        return cls(endpoint=endpoint, root=_path(told["root"]), outputs=Outputs(told["outputs"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """A keeper's process, seen from outside.

    Attributes:
        folder: Where it tells what it does.
        pid: Its process id.
        created: When it started, in seconds since the epoch: a process id may be used again.
    """

    folder: Path
    pid: int
    created: float

    def ended(self) -> str:
        """Return how it ended; empty while it runs."""
        if _process(self.pid, self.created):
            return ""
        told = [line["error"] for line in _lines(self.folder / _TOLD) if "error" in line]
        return told[-1] if told else "the end of the process that held it"

    def ready(self) -> Held:
        """Wait until it holds what it was asked to, and return that; its progress is told meanwhile.

        Raises:
            HarnessError: It could not; the message is the one that the context raised.
        """
        relay = _Relay(self.folder / _TOLD)
        eventually(
            lambda: relay.tell() or self.ended(),
            what="what the keeper is to hold",
            timeout=READY_TIMEOUT,
            interval=_LOOK_EVERY,
        )
        return self.held()

    def held(self) -> Held:
        """Return what it holds.

        Raises:
            HarnessError: It could not start that, has ended, or is not ready yet.
        """
        for line in _lines(self.folder / _TOLD):
            if "held" in line:
                return Held.from_json(line["held"], ended=self.ended)
            if "error" in line:
                raise HarnessError(line["error"])
        raise HarnessError(f"the process {self.pid} holds nothing: {self.ended() or 'it is still starting'}")

    def stop(self, *, timeout: float = STOP_TIMEOUT) -> None:
        """Make it leave its context, and wait for its end; do nothing where it has ended.

        Raises:
            HarnessError: It could not leave in good order; what went wrong is in the message.
            NotReachedError: It did not end in `timeout` seconds.
        """
        running = _process(self.pid, self.created)
        if running is None:
            return
        relay = _Relay(self.folder / _TOLD, skip=len(_lines(self.folder / _TOLD)))
        running.terminate()

        def ended() -> str:
            relay.tell()
            return self.ended()

        eventually(ended, what=f"the end of process {self.pid}", timeout=timeout, interval=_LOOK_EVERY)
        if relay.tell() and relay.error:
            raise HarnessError(relay.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a keeper is to hold.

    Attributes:
        context: The importable name of a function of `settings` and, if there is one, the endpoint;
            it returns a context manager of a `Held`.
        settings: The settings of the run.
        endpoint: Where to hold it; None where the context starts that itself.
        bound: Whether the keeper ends with the process that started it.
    """

    context: str
    settings: Settings
    endpoint: Endpoint | None = None
    bound: bool = True


def start(task: Task, folder: Path) -> Keeper:
    """Start a keeper of `task` that tells what it does in `folder`; `ready` waits for it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _TOLD).unlink(missing_ok=True)
    argv = [sys.executable, "-c", "from harness import keeper; keeper.main()", str(folder)]
    # What can be imported here can be imported there: a backend may be the project's own.
    env = {**task.settings.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    child = process.detached(argv, env=env, log=folder / "keeper.log", cwd=task.settings.project)
    endpoint = task.endpoint and replace(task.endpoint, ended=str)  # functions of this process stay here
    child.stdin.write(pickle.dumps(replace(task, endpoint=endpoint)))
    if task.bound:
        child.stdin.flush()
        _BOUND.append(child.stdin)
    else:
        child.stdin.close()
    return Keeper(folder=folder, pid=child.pid, created=child.created)


def found(folder: Path) -> Keeper | None:
    """Return the keeper that runs on `folder`, None if there is none."""
    try:
        told = json.loads((folder / _OWNER).read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    keeper = Keeper(folder=folder, pid=told["pid"], created=told["created"])
    return None if keeper.ended() else keeper


class _Relay:
    """Passes on what a keeper tells: its progress to the log, its spans to the timeline."""

    def __init__(self, file: Path, skip: int = 0) -> None:
        self._file = file
        self._seen = skip
        self._is_over = False
        self.error = ""

    def tell(self) -> bool:
        """Pass on what is new; return whether the keeper has told what it holds, or why it can't."""
        fresh = _lines(self._file)[self._seen :]
        self._seen += len(fresh)
        for line in fresh:
            if "progress" in line:
                log.info("%s", line["progress"])
            if "span" in line:
                timeline.tell(timeline.Span(**line["span"]))
            self.error = line.get("error", self.error)
            self._is_over |= "held" in line or "error" in line
        return self._is_over


def _process(pid: int, created: float) -> psutil.Process | None:
    try:
        running = psutil.Process(pid)
        same = running.create_time() == created and running.status() != psutil.STATUS_ZOMBIE
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
    """Hold what standard input asks for until it is time to end."""
    folder, me = Path(sys.argv[1]), psutil.Process()
    (folder / _OWNER).write_text(json.dumps({"pid": me.pid, "created": me.create_time()}), "utf-8")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the starter, which says when to stop
    task: Task = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own starter wrote it
    with (folder / _TOLD).open("a", encoding="utf-8", buffering=1) as told, _telling(told.write):
        try:
            with process.sigterm_as_interrupt():
                _hold(task, told.write)
        except HarnessError as problem:
            notes = getattr(problem, "__notes__", [])
            told.write(json.dumps({"error": "\n".join([str(problem), *notes])}) + "\n")
        except KeyboardInterrupt:
            pass
        finally:
            (folder / _OWNER).unlink(missing_ok=True)


@contextmanager
def _telling(write: Callable[[str], object]) -> Iterator[None]:
    def progressed(line: str) -> None:
        write(json.dumps({"progress": line}) + "\n")

    def ended(span: timeline.Span) -> None:
        write(json.dumps({"span": asdict(span)}) + "\n")

    with progress.shown(progressed, timed=False), timeline.listening(ended):
        yield


def _hold(task: Task, write: Callable[[str], object]) -> None:
    context = pkgutil.resolve_name(task.context)
    given = () if task.endpoint is None else (task.endpoint,)
    with ExitStack() as resources:
        held: Held = resources.enter_context(context(task.settings, *given))
        write(json.dumps({"held": held.to_json()}) + "\n")
        while not held.endpoint.ended() and not (task.bound and _starter_is_gone()):
            time.sleep(_LOOK_EVERY)


def _starter_is_gone() -> bool:
    readable, _, _ = select.select([sys.stdin], [], [], 0)
    return bool(readable) and not os.read(sys.stdin.fileno(), 1)
