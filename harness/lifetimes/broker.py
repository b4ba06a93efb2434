"""One backend for all workers of pytest-xdist, and its stacks: processes of the controller hold them.

A worker has only ten seconds to exit, too few to destroy a stack. So the controller listens, starts a keeper
at the first request for a backend or stack, answers every worker with its data, and stops all keepers at the
end.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import shutil
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psutil

from harness import backends
from harness.backends.emulator import HOST
from harness.base import journal
from harness.errors import HarnessError, SettingsError
from harness.lifetimes import keeper
from harness.lifetimes.keeper import Holding, Keeper, Task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.settings import Settings

log = logging.getLogger(__name__)

_BACKEND = "harness.lifetimes.held:backend_held"
_STACK = "harness.lifetimes.held:stack_held"
_FOLDERS = "harness-shared-"
_OWNER = "owner"
_FIRST_ACCOUNT = 100_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Hands out the backends and stacks that the controller's keepers hold, as a worker sees it.

    Attributes:
        address: The listener's address.
        key: The shared secret of both sides.
        folder: A directory for the keepers.
    """

    address: tuple[str, int]
    key: bytes
    folder: Path

    def to_plain(self) -> tuple[str, int, bytes, str]:
        """Return it as values that execnet can send."""
        return (*self.address, self.key, str(self.folder))

    @classmethod
    def from_plain(cls, plain: tuple[str, int, bytes, str]) -> Self:
        """Create one from the result of `to_plain`."""
        host, port, key, folder = plain
        return cls(address=(host, port), key=key, folder=Path(folder))

    def acquire(self, request: HoldRequest) -> Holding:
        """Return the backend or stack for `request`. The first such request starts it.

        Raises:
            HarnessError: It could not be started. The message says why.
        """
        try:
            with Client(self.address, authkey=self.key) as line:
                line.send(request)
                answer = line.recv()
        except (EOFError, OSError) as problem:
            raise HarnessError("the controller of this run does not answer: it is ending") from problem
        if isinstance(answer, str):
            raise HarnessError(answer)
        held_by: Keeper = answer
        return held_by.held()


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequest:
    """A worker's request: a backend, or a stack on it in an account.

    Attributes:
        settings: The worker's settings.
        stack: Whether it wants a stack, or only the backend.
        account: The account's 12 digits. Empty for the backend's default account.
        path: The worker's module search path, because the controller has not loaded any test files.
    """

    settings: Settings
    stack: bool
    account: str = ""
    path: tuple[str, ...] = field(default_factory=keeper.import_path)

    @property
    def backend(self) -> HoldRequest:
        """The request for the backend that this one needs."""
        return replace(self, stack=False, account="")

    @property
    def name(self) -> str:
        """The key under which its keeper is found: equal for equal requests."""
        environ = {
            name: text for name, text in self.settings.environ.items() if not name.startswith("PYTEST_")
        }
        contents = (sorted(environ.items()), self.settings)  # whose `repr` leaves the environment out
        digest = hashlib.sha256(repr(contents).encode()).hexdigest()[:12]
        return "-".join(filter(None, ("stack" if self.stack else "backend", self.account, digest)))


def account_of(worker: str, settings: Settings) -> str:
    """Return the number of the account that a worker such as `gw0` has to itself.

    Raises:
        SettingsError: On real AWS the account is that of the credentials.
    """
    if not backends.load(settings.backend).has_accounts:
        expected = "the backend to be an emulator"
        raise SettingsError("--stack-per-worker", expected=expected, got=settings.backend)
    return f"{_FIRST_ACCOUNT + int(worker.removeprefix('gw')):012}"


class Keepers:
    """The keepers of a run, each started when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._backends: dict[str, Keeper] = {}
        self._stacks: dict[str, Keeper] = {}
        self._is_closed = False

    def keeper_of(self, request: HoldRequest) -> Keeper:
        """Return the keeper for `request`.

        Raises:
            HarnessError: It can't be started, or the run is over.
        """
        with self._guard:
            lock = self._locks.setdefault(request.name, threading.Lock())
        with lock:
            if known := self._kind(request).get(request.name):
                return known
            started = self._start(request)
            started.ready()
            return started

    def close(self) -> None:
        """Stop all keepers: first those of stacks, all at the same time.

        Raises:
            HarnessError: A keeper failed to clean up. The others are stopped nevertheless.
        """
        with self._guard:
            self._is_closed = True
        problems: list[str] = []
        for keepers in (self._stacks, self._backends):
            with ThreadPoolExecutor(len(keepers) or 1) as pool:
                problems += filter(None, pool.map(_problem_of_stopping, keepers.values()))
        if problems:
            raise HarnessError("\n".join(problems))

    def _start(self, request: HoldRequest) -> Keeper:
        below = self.keeper_of(request.backend) if request.stack else None
        endpoint = below.held().endpoint if below else None
        if endpoint and request.account:
            endpoint = replace(endpoint, access_key=request.account)
        context = _STACK if request.stack else _BACKEND
        task = Task(context=context, settings=request.settings, endpoint=endpoint, path=request.path)
        with self._guard:  # it is known before it is ready: `close` may come
            if self._is_closed:
                raise HarnessError("the run is over")
            started = keeper.start(task, self._folder / request.name, above=below)
            self._kind(request)[request.name] = started
        return started

    def _kind(self, request: HoldRequest) -> dict[str, Keeper]:
        return self._stacks if request.stack else self._backends


def _problem_of_stopping(held: Keeper) -> str:
    try:
        held.stop()
    except HarnessError as problem:
        return str(problem)
    return ""


@contextmanager
def opened() -> Iterator[Broker]:
    """Serve this process's workers while the context is open, then stop everything started for them.

    Raises:
        HarnessError: Something could not be stopped in good order.
    """
    sweep()
    with tempfile.TemporaryDirectory(prefix=_FOLDERS) as folder:
        (Path(folder) / _OWNER).write_text(journal.owner(), "utf-8")
        keepers, key = Keepers(Path(folder)), secrets.token_bytes(32)
        listener = Listener((HOST, 0), authkey=key)
        server = threading.Thread(target=_serve, args=(listener, keepers), daemon=True)
        server.start()
        try:
            yield Broker(address=(HOST, _port_of(listener)), key=key, folder=Path(folder))
        finally:
            listener.close()
            keepers.close()


def sweep() -> list[str]:
    """Remove the folders of killed controllers whose keepers have ended, and return their names."""
    folders = [folder for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDERS}*") if _is_left(folder)]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return [f"the notes of a controller {folder}" for folder in folders]


def _is_left(folder: Path) -> bool:
    try:
        owner = (folder / _OWNER).read_text("utf-8")
    except OSError:
        return False  # it is being made or removed
    return bool(owner) and journal.is_orphan(owner) and not _is_named_by_a_process(folder)


def _is_named_by_a_process(folder: Path) -> bool:
    commands = (each.info["cmdline"] or [] for each in psutil.process_iter(["cmdline"]))
    return any(str(folder) in word for command in commands for word in command)


def _port_of(listener: Listener) -> int:
    address: Any = listener.address
    return int(address[1])


def _serve(listener: Listener, keepers: Keepers) -> None:
    while True:
        try:
            line = listener.accept()
        except (AuthenticationError, EOFError, ConnectionError):
            continue  # the peer did not know the key, or is gone
        except OSError:
            return  # it was closed
        threading.Thread(target=_answer, args=(line, keepers), daemon=True).start()


def _answer(line: Connection, keepers: Keepers) -> None:
    with line, suppress(EOFError, OSError):  # a worker may be gone before it has its answer
        try:
            line.send(keepers.keeper_of(line.recv()))
        except HarnessError as problem:
            line.send(str(problem))
