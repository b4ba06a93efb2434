"""LocalStack, or its fork, in a container: an official image, or one built here without a registry."""

from __future__ import annotations

import hashlib
import logging
import re
import socket
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.backends import docker_engine, localstack
from harness.backends.backend import Availability, Backend
from harness.backends.docker_engine import BACKEND, Engine, Plan, RunningContainer
from harness.backends.emulator import HOST, RETRY_DELAY, free_port, healthy
from harness.base import environments
from harness.errors import BackendError
from harness.functions.packages import Platform
from harness.terraform import needs
from harness.terraform.needs import fidelity
from harness.values import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.backends.localstack import Distribution
    from harness.settings import Settings

log = logging.getLogger(__name__)

TOKEN = "LOCALSTACK_AUTH_TOKEN"  # noqa: S105 - a variable's name
LICENCE_HOST = "api.localstack.cloud"
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - inside the container, or on an engine that is elsewhere
# The official image and ours have LocalStack's virtual environment there.
LOCALSTACK_CONFIG = "/opt/code/localstack/.venv/pyvenv.cfg"
# The functions' environment in our own image, and the label with the digest of its content.
OWN_FUNCTIONS_PYTHON = "/opt/lambda-runtime/bin/python"
OWN_FUNCTIONS_LABEL = "terraform-lambda-harness.lambda-runtime"
# The label of our own images with the emulator's package.
EMULATOR_LABEL = "terraform-lambda-harness.emulator"
_PYTHON = "python3.13"
_NO_LICENSE = 55  # the exit code of an image that wants a licence and was given none
COPIES = "/opt/terraform-lambda-harness"
FUNCTIONS = f"{COPIES}/lambda-runtime"
REQUEST_LOG = "/tmp/harness-requests.jsonl"  # noqa: S108 - in the container
PLATFORMS = {"amd64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}
_ANSWER_TIMEOUT = 1.5  # seconds: for the engine itself
_REGISTRY_TIMEOUT = 10.0  # seconds, for requests of the engine to a registry


_EXPOSED = (
    "the Docker engine is on another machine (or this process is in a container), and LocalStack asks nobody "
    "for credentials: whoever reaches port %d there can use it and run code; keep others away"
)
_TOO_OPEN = (
    "HARNESS_LAMBDA_EXECUTOR=docker gives LocalStack the engine's socket, and this engine is on another "
    "machine (or this process in a container): whoever reaches LocalStack's port there would own it; set "
    "process, or use an engine here"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """The additions to the container for running functions. The fields are those of `Plan`."""

    environ: Mapping[str, str]
    copies: Mapping[Path, str] = field(default_factory=dict)
    networks: Sequence[Any] = ()
    mounts: Sequence[Any] = ()


@contextmanager
def container(settings: Settings) -> Iterator[Endpoint]:
    """Run LocalStack in a container while the context is open.

    Raises:
        BackendError: No Docker engine answers, the executor `docker` is wanted on another machine, the image
            can't be had or does not start, the port is taken, or LocalStack does not become healthy or ends
            in mid-run.
    """
    with ExitStack() as resources:
        docker = resources.enter_context(_connected(settings))
        folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="harness-container-"))
        image = _provide_image(settings, docker)
        distribution = distribution_in(image)
        extras = resources.enter_context(_functions(settings, docker, image, Path(folder)))
        log_file = Path(folder) / "localstack.log"
        plan = _plan(settings, docker, extras)
        log.info("starting %s in a container of %s on port %d", distribution.title, plan.image, plan.port)
        with docker_engine.running(plan, log_file) as started:
            endpoint = _endpoint(settings, docker, started, plan.port, log_file)
            emulator = LocalStackContainer(started, plan.image)
            with healthy(endpoint, emulator, distribution.health, timeout=settings.start_timeout) as running:
                yield running


def distribution_in(image: Any) -> Distribution:  # noqa: ANN401 - the Docker client has no types
    """Return what an image holds: LocalEmu if its label says so, else LocalStack."""
    package = image.labels.get(EMULATOR_LABEL) if image else ""
    return localstack.LOCALEMU if package == localstack.LOCALEMU.package else localstack.LOCALSTACK


def unavailable(settings: Settings) -> str:
    """Return the reason why this backend can't run here, or an empty text, within a dozen seconds."""
    try:
        return _lacking(settings)
    except BackendError as problem:
        return problem.reason
    except OSError as problem:
        return f"the Docker engine stopped answering ({problem})"


def _examine(settings: Settings) -> Availability:
    missing = unavailable(settings)
    return Availability(
        ok=not missing,
        state=missing or f"a Docker engine answers and {settings.image} is there or can be pulled",
        remedy="start a Docker engine, or point DOCKER_HOST at one; HARNESS_IMAGE sets the image",
    )


def _lacking(settings: Settings) -> str:
    with _connected(settings, timeout=_ANSWER_TIMEOUT) as docker:
        if docker.image(settings.image):
            return ""
    with docker_engine.connected(timeout=_REGISTRY_TIMEOUT) as docker:
        if docker.can_pull(settings.image):
            return ""
    return f"a Docker engine answers, but it neither has the image {settings.image} nor can pull it"


def sweep() -> list[str]:
    """Remove the containers and networks of killed runs, and return their names.

    Raises:
        BackendError: No Docker engine answers.
    """
    with docker_engine.connected() as docker:
        return docker.sweep()


@dataclass(frozen=True, slots=True)
class LocalStackContainer:
    """A running LocalStack that explains the exit code for a missing licence."""

    started: RunningContainer
    image: str

    def ended(self) -> str:
        """Return a clause on how it ended, or an empty text while it runs."""
        how = self.started.ended()
        if not how.endswith(f"exit code {_NO_LICENSE}"):
            return how
        return (
            f"{how} (the image {self.image} wants a licence: set {TOKEN}, or set HARNESS_IMAGE to "
            "localstack/localstack:4.14.0, the last that runs without)"
        )

    def lines(self) -> list[str]:
        """Return the last lines of its log."""
        return self.started.lines()


@contextmanager
def _connected(settings: Settings, *, timeout: float = docker_engine.REQUEST_TIMEOUT) -> Iterator[Engine]:
    """Connect to an engine, unless it is on another machine and LocalStack is to have its socket there."""
    with docker_engine.connected(timeout=timeout) as docker:
        if settings.lambda_executor == "docker" and not docker.is_here:
            raise BackendError(BACKEND, _TOO_OPEN)
        yield docker


def _provide_image(settings: Settings, docker: Engine) -> Any:  # noqa: ANN401 - the Docker client has no types
    """Return the image, and pull it first if necessary."""
    found = docker.image(settings.image)
    if found is None:
        docker.pull(settings.image)
        found = docker.image(settings.image)
    return found


def _plan(settings: Settings, docker: Engine, extras: Extras) -> Plan:
    # One port inside and outside: the URLs that LocalStack makes hold for functions and for tests alike.
    port = _port(settings, docker)
    if not docker.is_here:
        log.warning(_EXPOSED, port)
    return Plan(
        image=settings.image,
        environ=_environ(settings, port) | dict(extras.environ),
        port=port,
        address=HOST if docker.is_here else EVERY_ADDRESS,
        copies=extras.copies,
        networks=extras.networks,
        # The image's own health check starts a Python every few seconds.
        options={"healthcheck": {"test": ["NONE"]}, "mounts": list(extras.mounts)},
    )


def _port(settings: Settings, docker: Engine) -> int:
    """Return the port to publish. On another machine, return one that is probably free."""
    if docker.is_here:
        return free_port(settings, BACKEND)
    return settings.port or free_port(replace(settings, port=0), BACKEND)


def _environ(settings: Settings, port: int) -> dict[str, str]:
    # Functions that use LocalStack's default port reach it there too. The port is not published.
    ports = dict.fromkeys((port, localstack.PORT))
    listen = ",".join(f"{EVERY_ADDRESS}:{each}" for each in ports)
    environ = localstack.localstack_environ({}, listen=listen) | localstack.enforcement(settings)
    if token := settings.environ.get(TOKEN):
        reached = {name: f"{environ[name]},{LICENCE_HOST}" for name in ("NO_PROXY", "no_proxy")}
        environ |= {TOKEN: token, **reached}
    return environ


def _endpoint(
    settings: Settings, docker: Engine, started: RunningContainer, port: int, log_file: Path
) -> Endpoint:
    # An address, never a name: S3 clients would put the bucket's name before a name.
    host = HOST if docker.is_here else socket.gethostbyname(started.host)
    return Endpoint(
        backend=BACKEND,
        url=f"http://{host}:{port}",
        region=settings.region,
        is_temporary=True,
        log=log_file,
        host_address=docker_engine.bridge_address(),
        retry_delay=RETRY_DELAY,
    )


@contextmanager
def _functions(settings: Settings, docker: Engine, image: Any, folder: Path) -> Iterator[Extras]:  # noqa: ANN401
    """Provide everything that the chosen executor of Lambda functions needs."""
    with ExitStack() as resources:
        if settings.lambda_executor == "docker":
            yield _as_containers(docker, resources)
        else:
            yield _as_processes(settings, docker, image, folder)


def _as_processes(settings: Settings, docker: Engine, image: Any, folder: Path) -> Extras:  # noqa: ANN401
    python, copies = _functions_python(settings, docker, image, folder)
    plugins = distribution_in(image).plugins
    return Extras(
        environ=localstack.functions_as_processes(
            python,
            [f"{COPIES}/{each.name}" for each in plugins],
            request_log=REQUEST_LOG,
            has_bodies=settings.request_log_bodies,
        ),
        copies={**dict.fromkeys(plugins, COPIES), **copies},
    )


def _functions_python(
    settings: Settings,
    docker: Engine,
    image: Any,  # noqa: ANN401 - the Docker client has no types
    folder: Path,
) -> tuple[str, dict[Path, str]]:
    """Return the functions' interpreter in the container, and the directories to copy there for it."""
    if image.labels.get(OWN_FUNCTIONS_LABEL) == _digest(localstack.LAMBDA_REQUIREMENTS):
        return OWN_FUNCTIONS_PYTHON, {}
    home, version = _python_of(docker, image)
    packages = _packages(settings, version, image.attrs["Architecture"])
    skeleton = _skeleton(folder / Path(FUNCTIONS).name, home, version)
    return f"{FUNCTIONS}/bin/python", {
        skeleton: COPIES,
        packages: f"{FUNCTIONS}/lib/python{version}",
    }


def _python_of(docker: Engine, image: Any) -> tuple[str, str]:  # noqa: ANN401 - the Docker client has no types
    """Return the path of LocalStack's Python in an image, and its version."""
    text = docker.read(image, LOCALSTACK_CONFIG) or ""
    home = re.search(r"^home\s*=\s*(\S+)", text, re.MULTILINE)
    version = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+)", text, re.MULTILINE)
    if not home or not version:
        reason = (
            f"the image {image.tags or image.short_id} is none of LocalStack: it has no {LOCALSTACK_CONFIG}"
        )
        raise BackendError(BACKEND, reason)
    return home[1], version[1]


def _packages(settings: Settings, version: str, architecture: str) -> Path:
    """Return a local directory with the packages of AWS's runtime, built for the image."""
    platform = PLATFORMS.get(architecture)
    if platform is None:
        raise BackendError(BACKEND, f"the image is for {architecture}; expected {' or '.join(PLATFORMS)}")
    return environments.site_packages(
        settings, "lambda-runtime", localstack.LAMBDA_REQUIREMENTS, python=version, platform=platform
    )


def _skeleton(root: Path, home: str, version: str) -> Path:
    """Make a virtual environment without packages, of a Python in the image.

    https://docs.python.org/3/library/venv.html#how-venvs-work
    """
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "python").symlink_to(f"{home}/python{version}")
    (root / "pyvenv.cfg").write_text(
        f"home = {home}\ninclude-system-site-packages = false\nversion = {version}\n", "utf-8"
    )
    return root


def _as_containers(docker: Engine, resources: ExitStack) -> Extras:
    """Return the additions for functions in containers, on a network without a way out."""
    network = resources.enter_context(docker.private_network())
    flags = " ".join(f"--label {name}={value}" for name, value in docker_engine.labels().items())
    return Extras(
        environ={
            "LAMBDA_RUNTIME_EXECUTOR": "docker",
            "LAMBDA_DOCKER_NETWORK": network.name,
            "LAMBDA_DOCKER_FLAGS": flags,
        },
        networks=[network],
        mounts=[docker.socket_mount()],
    )


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def _lacks(settings: Settings, feature: str) -> bool:
    """The image has a single Python for functions. A licence adds the other services."""
    if settings.lambda_executor == "process" and feature.startswith((needs.IMAGES, needs.RUNTIME)):
        return not feature.startswith((f"{needs.RUNTIME}{_PYTHON}", f"{needs.RUNTIME}provided"))
    return TOKEN not in settings.environ and feature in fidelity.missing(_emulator_of(settings.image))


@cache
def _emulator_of(image: str) -> str:
    """Return the package of the emulator in an image. One that is not on this machine is LocalStack's."""
    try:
        with docker_engine.connected(timeout=_ANSWER_TIMEOUT) as docker:
            return distribution_in(docker.image(image)).package
    except (BackendError, OSError):
        return localstack.LOCALSTACK.package


def _functions_run_on(settings: Settings) -> Platform | None:
    """Return the container's platform, unless each function gets its own container."""
    in_containers = settings.lambda_executor == "docker"
    return None if in_containers else Platform("linux", Platform.here().architecture)


CONTAINER = Backend(
    name=BACKEND,
    start=container,
    examine=_examine,
    lacks=_lacks,
    functions_run_on=_functions_run_on,
    edition=lambda settings: settings.image,
    sweep=sweep,
    is_temporary=True,
)
