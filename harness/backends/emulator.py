"""The start of any emulator: find a port, run the program, wait until it is healthy."""

from __future__ import annotations

import logging
import socket
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import urllib3

from harness.base import gate, journal, process
from harness.base.polling import eventually
from harness.base.process import serving
from harness.errors import BackendError, NotReachedError
from harness.values import Endpoint

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from harness.settings import Settings

log = logging.getLogger(__name__)

# A process that has just refused a connection may take a moment to be seen as ended.
_AFTERLIFE = 1.0
_ANSWER_TIME = 2.0  # seconds
HOST = "127.0.0.1"
REQUEST_LOG = "requests.jsonl"
RETRY_DELAY = 1.0  # seconds; the harness configures it in each emulator, because AWS's minute is long
HOT = "hot"  # the directory, in that of an emulator, of sources that stand in for code
EVENTS = "events"  # likewise, of the events of invocations
TOOLS = "tools"  # likewise, of plans for tools inside functions' processes
_HEALTHY = "200"


class Emulator(Protocol):
    """A running emulator, as the wait for its health sees it."""

    def ended(self) -> str:
        """Return a clause such as `it ended with exit code 1`, or an empty text while it runs."""
        ...

    def lines(self) -> list[str]:
        """Return its log so far."""
        ...


@dataclass(frozen=True, slots=True)
class ServedEmulator:
    """An emulator that runs as a child process and logs into a file."""

    process: subprocess.Popen[str]
    log: Path

    def ended(self) -> str:
        """Return a clause with the exit code, or an empty text while it runs."""
        code = self.process.poll()
        return "" if code is None else f"it ended with exit code {code}"

    def lines(self) -> list[str]:
        """Return the lines of the log file."""
        return self.log.read_text("utf-8", "replace").splitlines()


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How an emulator is run as a process.

    Attributes:
        name: Its name in logs and file names, such as `localstack`.
        health: The path that answers 200 as soon as it can be used.
        command: Called with the port, a folder for its files, and the URL of the gate. Returns its arguments
            and its environment.
    """

    name: str
    health: str
    command: Callable[[int, Path, str], tuple[Sequence[str], Mapping[str, str]]]


@contextmanager
def served(backend: str, settings: Settings, program: Program) -> Iterator[Endpoint]:
    """Run an emulator as a process of this machine while the context is open, healthy from the start.

    Raises:
        BackendError: Its port is taken, it does not become healthy, or it ends in mid-run.
    """
    port = free_port(settings, backend)
    url = f"http://{HOST}:{port}"
    with (
        gated(url, settings) as proxy,
        tempfile.TemporaryDirectory(prefix=f"harness-{program.name}-") as folder,
    ):
        log_file = Path(folder) / f"{program.name}.log"
        endpoint = Endpoint(
            backend=backend,
            url=url,
            region=settings.region,
            is_temporary=True,
            log=log_file,
            gate=proxy,
            retry_delay=RETRY_DELAY,
        )
        argv, environ = program.command(port, Path(folder), proxy)
        log.info("starting %s at %s", program.name, endpoint.url)
        with (
            served_emulator(argv, settings, environ, log_file) as child,
            healthy(endpoint, child, program.health, timeout=settings.start_timeout) as running,
        ):
            yield running


def folder_of(endpoint: Endpoint, name: str) -> Path | None:
    """Return a directory beside an emulator's log, such as `HOT`, or None if it has none."""
    folder = endpoint.log and endpoint.log.parent / name
    return folder if folder and folder.is_dir() else None


def gated(url: str, settings: Settings) -> AbstractContextManager[str]:
    """Return the context of a gate to the emulator at `url`."""
    return gate.opened(gate.Rules(emulator=url, allowed=settings.allowed_hosts, environ=settings.environ))


@contextmanager
def healthy(endpoint: Endpoint, emulator: Emulator, health: str, *, timeout: float) -> Iterator[Endpoint]:
    """Wait until an emulator is healthy, and watch it while the context is open.

    Args:
        endpoint: The endpoint of the emulator.
        emulator: The started emulator.
        health: The path that answers 200 as soon as it can be used.
        timeout: Seconds to wait for that.

    Raises:
        BackendError: It ended, or was not healthy in time. The error has its last lines.
    """
    await_health(endpoint.backend, emulator, endpoint.url + health, timeout=timeout)
    with watched(endpoint, emulator) as running:
        yield running


@contextmanager
def served_emulator(
    argv: Sequence[str], settings: Settings, environ: Mapping[str, str], log_file: Path
) -> Iterator[ServedEmulator]:
    """Run a child process while the context is open. All its files are beside its log."""
    with serving(argv, env=environ, log=log_file) as child:
        started, folder = process.start_time(child.pid), str(log_file.parent)
        with journal.noted(settings.cache_dir, log_file.stem, pid=child.pid, started=started, folder=folder):
            yield ServedEmulator(child, log_file)


def free_port(settings: Settings, backend: str) -> int:
    """Return the port to listen on, known to be free a moment ago.

    Raises:
        BackendError: The port that the settings ask for is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, settings.port))
        except OSError as problem:
            reason = (
                f"port {settings.port} is taken; stop what uses it, or set HARNESS_PORT=0 for any free one"
            )
            raise BackendError(backend, reason) from problem
        port: int = probe.getsockname()[1]
    return port


def await_health(backend: str, emulator: Emulator, health_url: str, *, timeout: float) -> None:
    """Wait until `health_url` answers 200.

    Args:
        backend: The backend's name, for errors.
        emulator: The emulator to wait for.
        health_url: The URL of its health check.
        timeout: Seconds to wait.

    Raises:
        BackendError: It ended, or was not healthy in time. The error has its last lines.
    """

    def probe() -> str:
        if how := emulator.ended():
            raise BackendError(backend, f"{how} before it was healthy", log=emulator.lines())
        try:
            with urllib3.PoolManager(retries=False) as http:
                return str(http.request("GET", health_url, timeout=5).status)
        except urllib3.exceptions.HTTPError as problem:
            return type(problem).__name__

    try:
        eventually(probe, until=_HEALTHY.__eq__, what=f"{health_url} to answer {_HEALTHY}", timeout=timeout)
    except NotReachedError as problem:
        raise BackendError(backend, str(problem), log=emulator.lines()) from problem


def answers(endpoint: Endpoint) -> bool:
    """Return whether HTTP is served at `endpoint`, within 2 seconds.

    Real AWS always counts as served.

    Over TLS, the certificate is not checked.
    """
    if endpoint.is_aws:
        return True
    with urllib3.PoolManager(retries=False) as http:
        try:
            http.request("GET", endpoint.url, timeout=_ANSWER_TIME, redirect=False)
        except urllib3.exceptions.SSLError:
            return True
        except urllib3.exceptions.HTTPError:
            return False
    return True


@contextmanager
def watched(endpoint: Endpoint, emulator: Emulator) -> Iterator[Endpoint]:
    """Yield `endpoint` with a check of whether `emulator` has ended.

    If the emulator has ended when the context fails, the error says so.

    Raises:
        BackendError: The emulator has ended. The error has the reason and its last lines.
    """
    try:
        yield replace(endpoint, ended=emulator.ended)
    except Exception as problem:
        if how := _await_end(emulator):
            raise _crash(endpoint.backend, emulator, how) from problem
        raise
    if how := emulator.ended():
        raise _crash(endpoint.backend, emulator, how)


def _await_end(emulator: Emulator) -> str:
    try:
        return eventually(emulator.ended, what="the emulator's end", timeout=_AFTERLIFE)
    except NotReachedError:
        return ""


def _crash(backend: str, emulator: Emulator, how: str) -> BackendError:
    return BackendError(backend, f"{how} in mid-run", log=emulator.lines())
