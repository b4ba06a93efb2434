"""The Docker engine. Only this module uses testcontainers and the Docker client below it."""

from __future__ import annotations

import io
import ipaddress
import logging
import os
import socket
import tarfile
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psutil

from harness.base import journal
from harness.base.journal import is_orphan
from harness.base.process import interrupts_deferred
from harness.errors import BackendError

BACKEND = "container"
_BRIDGE = "docker0"
try:
    from docker.errors import APIError, DockerException, ImageNotFound, NotFound
    from docker.types import Mount
    from docker.utils import parse_repository_tag
    from testcontainers.core.config import get_docker_socket, testcontainers_config
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.docker_client import DockerClient, get_docker_host
    from testcontainers.core.utils import inside_container
except ImportError as problem:
    raise BackendError(
        BACKEND, "testcontainers is not installed; pip install 'terraform-lambda-harness[container]'"
    ) from problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

LABEL = "terraform-lambda-harness"
OWNER_LABEL = f"{LABEL}.owner"
REQUEST_TIMEOUT = 60.0
STOP_GRACE = 10.0
LOG_LINES = 200
CONTAINER_SOCKET = "/var/run/docker.sock"
_MEGABYTE = 10**6
_TELL_EVERY = 5.0
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1", "localnpipe"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The specification of a container.

    Attributes:
        image: The image's name.
        environ: Its environment variables.
        port: The port of its server, the same inside and outside.
        address: The address of the engine's machine that the port is published on.
        copies: Local directories, each with the target directory in the container.
        networks: More networks, beside the default one.
        options: More arguments of `docker create`, under docker-py's names.
    """

    image: str
    environ: Mapping[str, str] = field(repr=False)
    port: int
    address: str
    copies: Mapping[Path, str]
    networks: Sequence[Any] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunningContainer:
    """A container as the wait for its health sees it, and the host name or address that reaches its port."""

    container: Any
    host: str

    def ended(self) -> str:
        """Return a clause on how it ended, or an empty text while it runs."""
        try:
            self.container.reload()
        except NotFound:
            return "its container was removed"
        except (DockerException, OSError) as problem:
            return f"the Docker engine stopped answering ({engine_message(problem)})"
        if self.container.status in {"created", "running", "restarting"}:
            return ""
        return f"it ended with exit code {self.container.attrs['State']['ExitCode']}"

    def lines(self) -> list[str]:
        """Return the last lines of its log."""
        try:
            logged: bytes = self.container.logs(tail=LOG_LINES)
        except (DockerException, OSError):
            return []
        return logged.decode("utf-8", "replace").splitlines()


@dataclass(frozen=True, slots=True)
class Engine:
    """A running Docker engine. `_docker` is testcontainers' client of it."""

    _docker: DockerClient

    @property
    def is_here(self) -> bool:
        """Whether ports that the engine publishes are on this machine's loopback interface."""
        if testcontainers_config.tc_host_override:
            return False
        if urlsplit(self._docker.client.api.base_url).hostname not in _LOOPBACK_NAMES:
            return False
        return not inside_container() or self._bridges_here()

    def image(self, name: str) -> Any | None:  # noqa: ANN401 - the Docker client has no types
        """Return the image `name`, or None if the engine has none."""
        try:
            return self._docker.client.images.get(name)
        except ImageNotFound:
            return None

    def can_pull(self, name: str) -> bool:
        """Ask the registry whether it has the image `name`."""
        try:
            self._docker.client.images.get_registry_data(name)
        except (APIError, OSError):
            return False
        return True

    def pull(self, name: str) -> None:
        """Pull the image `name`, telling how far it is.

        Raises:
            BackendError: The image can't be pulled.
        """
        repository, tag = parse_repository_tag(name)
        log.info("pulling %s (once)", name)
        progress = PullProgress()
        try:
            for event in self._docker.client.api.pull(repository, tag=tag, stream=True, decode=True):
                progress.take(event)
        except (APIError, OSError) as problem:
            raise BackendError(BACKEND, _unpullable(name, engine_message(problem))) from problem
        if progress.error:
            raise BackendError(BACKEND, _unpullable(name, progress.error))

    def read(self, image: Any, path: str) -> str | None:  # noqa: ANN401 - the Docker client has no types
        """Return the text of the file `path` in an image, or None if there is no such file."""
        created = self._docker.client.containers.create(image, ["never-started"], labels=labels())
        try:
            stream, _ = created.get_archive(path)
            with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
                member = archive.extractfile(archive.getmembers()[0])
                return member.read().decode() if member else None
        except NotFound:
            return None
        finally:
            created.remove(v=True)

    def socket_mount(self) -> Any:  # noqa: ANN401 - the Docker client has no types
        """Return the mount that gives a container the engine's own socket."""
        return Mount(CONTAINER_SOCKET, get_docker_socket(), type="bind")

    @contextmanager
    def private_network(self) -> Iterator[Any]:
        """Create a network without a way out. At the end, remove it and every container still in it."""
        name = f"{LABEL}-{os.getpid()}-{time.monotonic_ns()}"
        network = self._docker.client.networks.create(name, internal=True, labels=labels())
        try:
            yield network
        finally:
            network.reload()
            for member in network.containers:
                member.remove(force=True, v=True)
            network.remove()

    def sweep(self) -> list[str]:
        """Remove the containers and networks of harness processes that are gone, and return their names."""
        client, ours = self._docker.client, {"label": OWNER_LABEL}
        containers = [
            item
            for item in client.containers.list(all=True, filters=ours)
            if is_orphan(item.labels[OWNER_LABEL])
        ]
        networks = [
            item
            for item in client.networks.list(filters=ours)
            if is_orphan(item.attrs["Labels"][OWNER_LABEL])
        ]
        for container in containers:
            container.remove(force=True, v=True)
        for network in networks:
            network.remove()
        return [item.name for item in (*containers, *networks)]

    def _bridges_here(self) -> bool:
        """Whether the engine's bridge is an interface of this machine: both share one network namespace."""
        try:
            bridge = self._docker.client.networks.get("bridge")
        except NotFound:
            return False
        subnets = [ipaddress.ip_network(part["Subnet"]) for part in bridge.attrs["IPAM"]["Config"] or []]
        return any(address in subnet for subnet in subnets for address in _own_addresses())


class PullProgress:
    """Adds up the layers of a pull, and reports the sum every few seconds."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[int, int]] = {}
        self._told = time.monotonic()
        self.error = ""

    def take(self, event: Mapping[str, Any]) -> None:
        """Take one event of the engine."""
        self.error = self.error or event.get("error", "")
        detail = event.get("progressDetail") or {}
        if event.get("status") == "Downloading" and detail.get("total"):
            self._layers[event["id"]] = (detail["current"], detail["total"])
        if self._layers and time.monotonic() - self._told > _TELL_EVERY:
            self._told = time.monotonic()
            log.info("  %s", self)

    def __str__(self) -> str:
        """Return the sum in words."""
        done, total = (sum(part) // _MEGABYTE for part in zip(*self._layers.values(), strict=True))
        return f"{done} of {total} MB"


@contextmanager
def connected(timeout: float = REQUEST_TIMEOUT) -> Iterator[Engine]:
    """Connect to the engine that DOCKER_HOST or Docker's current context names, or the local one.

    Args:
        timeout: Seconds that one request may take.

    Raises:
        BackendError: The extra is not installed, or no engine answers.
    """
    docker = _client(timeout)
    try:
        yield Engine(docker)
    finally:
        docker.client.close()


@contextmanager
def running(plan: Plan, log_file: Path) -> Iterator[RunningContainer]:
    """Run a container while the context is open, with its log in `log_file`, and remove it at the end.

    Raises:
        BackendError: The container can't be started.
    """
    described = _container_of(plan)
    with ExitStack() as resources:
        resources.callback(_stop, described)
        container = _start(plan, described)
        follower = threading.Thread(target=_follow, args=(container, log_file), daemon=True)
        follower.start()
        try:
            yield RunningContainer(container, described.get_container_host_ip())
        finally:
            resources.close()
            follower.join(STOP_GRACE)


def labels() -> dict[str, str]:
    """Return the labels by which `sweep` recognises containers of this process."""
    return {LABEL: version(LABEL), OWNER_LABEL: journal.owner()}


def engine_message(problem: Exception) -> str:
    """Return the engine's message on one line."""
    return " ".join(str(getattr(problem, "explanation", None) or problem).split())


def _client(timeout: float) -> DockerClient:
    try:
        _check_socket(get_docker_host() or "unix://" + CONTAINER_SOCKET, timeout)
        return DockerClient(timeout=timeout)
    except (DockerException, OSError) as problem:
        reason = f"no Docker engine answers; start one, or set DOCKER_HOST ({engine_message(problem)})"
        raise BackendError(BACKEND, reason) from problem


def _check_socket(host: str, timeout: float) -> None:
    """Connect to the engine's socket once, because the Docker client leaks one if it can't connect."""
    if host.startswith("unix://"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(timeout)
            line.connect(host.removeprefix("unix://"))


def _container_of(plan: Plan) -> DockerContainer:
    container = DockerContainer(plan.image, docker_client_kw={"timeout": REQUEST_TIMEOUT})
    container.with_envs(**plan.environ)
    # Its own types know a port only, but the Docker client takes the address too.
    ports: dict[str, Any] = container.ports
    ports[f"{plan.port}/tcp"] = (plan.address, plan.port)
    for source, target in plan.copies.items():
        container.with_copy_into_container(source, target)
    return container.with_kwargs(labels=labels(), **plan.options)


def _start(plan: Plan, described: DockerContainer) -> Any:  # noqa: ANN401 - the Docker client has no types
    try:
        with _without_reaper(), interrupts_deferred():
            container = described.start().get_wrapped_container()
        for network in plan.networks:
            network.connect(container)
    except APIError as problem:
        raise BackendError(BACKEND, _unstartable(plan, problem)) from problem
    return container


def _stop(described: DockerContainer) -> None:
    with suppress(NotFound, OSError):  # someone else may have removed it, or have stopped the engine
        described.stop()


@contextmanager
def _without_reaper() -> Iterator[None]:
    """Keep testcontainers from starting Ryuk, another image: the container is removed here, or by `sweep`."""
    before = testcontainers_config.ryuk_disabled
    testcontainers_config.ryuk_disabled = True
    try:
        yield
    finally:
        testcontainers_config.ryuk_disabled = before


def _unpullable(name: str, reason: str) -> str:
    return (
        f"the image {name} is not on this machine and can't be pulled; build one without its registry by "
        f"`images/localstack/build` and set HARNESS_IMAGE to the name it prints ({reason})"
    )


def _unstartable(plan: Plan, problem: Exception) -> str:
    reason = engine_message(problem)
    if "already allocated" in reason or "already in use" in reason:
        return f"port {plan.port} is taken; stop what uses it, or set HARNESS_PORT=0 for any free one"
    return f"the engine can't start a container of {plan.image}: {reason}"


def _follow(container: Any, log_file: Path) -> None:  # noqa: ANN401 - the Docker client has no types
    """Write the container's log to a file until the container is gone."""
    with log_file.open("ab", buffering=0) as sink, suppress(DockerException, OSError):
        for chunk in container.logs(stream=True, follow=True):
            sink.write(chunk)


def bridge_address() -> str:
    """Return this machine's address on Docker's default bridge, where containers can reach it.

    It is empty if this machine has no such bridge.
    """
    addresses = psutil.net_if_addrs().get(_BRIDGE, [])
    return next((address.address for address in addresses if address.family == socket.AF_INET), "")


def _own_addresses() -> list[ipaddress.IPv4Address]:
    return [
        ipaddress.IPv4Address(address.address)
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET
    ]
